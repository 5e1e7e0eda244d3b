;; What Go's runtime asks of WASI preview 1, answered with what the contract gives a plugin. The encoder links this
;; module as the adapter `wasi_snapshot_preview1`; it has no memory of its own.
;;
;; - The clocks and random numbers are the host's. Standard output and standard error end in the host's log, line by
;;   line, at the levels `info` and `warn`. There are no files, arguments or environment variables.
;; - While the host writes a list into the plugin's memory, `cabi_realloc` runs Go, and nothing may call the host. The
;;   SDK closes the gate for that long (`aksara_gate`); the clock then stands almost still, and output waits.
;; - Sleeping takes no time: it only moves the monotonic clock.
;;
;; Go places nothing between 4096 and 12288: that is where `wasm_exec.js` has the arguments of programs in browsers.
;;   4096  the `datetime` of the wall clock
;;   4112  a line for the log: 25 bytes of MessagePack up to the message, then the message, up to 12288
(module
  (import "aksara:signals/log@0.1.0" "write" (func $write (param i32 i32)))
  (import "wasi:clocks/wall-clock@0.2.0" "now" (func $now (param i32)))
  (import "wasi:random/random@0.2.0" "get-random-u64" (func $random (result i64)))
  (import "env" "memory" (memory 0))
  (global $open (mut i32) (i32.const 1))
  (global $time (mut i64) (i64.const 0))
  (global $slept (mut i64) (i64.const 0))
  (global $state (mut i64) (i64.const 0x9E3779B97F4A7C15))
  (global $line (mut i32) (i32.const 0))  ;; bytes of the message so far
  (global $fd (mut i32) (i32.const 1))    ;; and where they were written to

  ;; 0 closes the gate, 1 opens it, 2 closes it at the end of a call, when an unfinished line is finished.
  (func (export "aksara_gate") (param $to i32)
    (if (i32.eq (local.get $to) (i32.const 2)) (then (call $flush)))
    (global.set $open (i32.eq (local.get $to) (i32.const 1)))
    (if (call $ends_with_newline) (then (call $flush))))

  (func (export "clock_res_get") (param $clock i32) (param $out i32) (result i32)
    (i64.store (local.get $out) (i64.const 1)) (i32.const 0))
  (func (export "clock_time_get") (param $clock i32) (param $precision i64) (param $out i32) (result i32)
    (if (global.get $open)
      (then
        (call $now (i32.const 4096))
        (global.set $time
          (i64.add (i64.mul (i64.load (i32.const 4096)) (i64.const 1000000000)) (i64.load32_u (i32.const 4104)))))
      (else (global.set $time (i64.add (global.get $time) (i64.const 1)))))
    (i64.store (local.get $out)
      (i64.add (global.get $time) (select (global.get $slept) (i64.const 0) (local.get $clock))))
    (i32.const 0))

  ;; A closed gate leaves only a xorshift generator, from where the host's numbers ended.
  (func (export "random_get") (param $at i32) (param $length i32) (result i32)
    (local $bits i64)
    (block $done (loop $next
      (br_if $done (i32.eqz (local.get $length)))
      (if (i64.eqz (local.get $bits)) (then
        (if (global.get $open)
          (then (global.set $state (i64.or (call $random) (i64.const 1))))
          (else
            (global.set $state (i64.xor (global.get $state) (i64.shl (global.get $state) (i64.const 13))))
            (global.set $state (i64.xor (global.get $state) (i64.shr_u (global.get $state) (i64.const 7))))
            (global.set $state (i64.xor (global.get $state) (i64.shl (global.get $state) (i64.const 17))))))
        ;; Seven bytes, under a bit that says when they are used up.
        (local.set $bits
          (i64.or (i64.shr_u (global.get $state) (i64.const 8)) (i64.const 0x0100000000000000)))))
      (i64.store8 (local.get $at) (local.get $bits))
      (local.set $bits (i64.shr_u (local.get $bits) (i64.const 8)))
      (if (i64.eq (local.get $bits) (i64.const 1)) (then (local.set $bits (i64.const 0))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (local.set $length (i32.sub (local.get $length) (i32.const 1)))
      (br $next)))
    (i32.const 0))

  (func (export "fd_write") (param $fd i32) (param $iov i32) (param $count i32) (param $out i32) (result i32)
    (local $at i32) (local $end i32) (local $sum i32)
    (if (i32.ne (local.get $fd) (global.get $fd)) (then
      (call $flush)
      (global.set $fd (local.get $fd))))
    (block $done (loop $next
      (br_if $done (i32.eqz (local.get $count)))
      (local.set $at (i32.load (local.get $iov)))
      (local.set $end (i32.add (local.get $at) (i32.load offset=4 (local.get $iov))))
      (local.set $sum (i32.add (local.get $sum) (i32.load offset=4 (local.get $iov))))
      (block $end_of_part (loop $byte
        (br_if $end_of_part (i32.ge_u (local.get $at) (local.get $end)))
        (call $put (i32.load8_u (local.get $at)))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $byte)))
      (local.set $iov (i32.add (local.get $iov) (i32.const 8)))
      (local.set $count (i32.sub (local.get $count) (i32.const 1)))
      (br $next)))
    (i32.store (local.get $out) (local.get $sum))
    (i32.const 0))

  ;; A line that is too long is broken before a character, never inside one. Lines that wait become one message.
  (func $put (param $byte i32)
    (if (i32.and (i32.eq (local.get $byte) (i32.const 10)) (global.get $open)) (then (call $flush) (return)))
    (if (i32.and
          (i32.ge_u (global.get $line) (i32.const 8140))
          (i32.ne (i32.and (local.get $byte) (i32.const 0xC0)) (i32.const 0x80)))
      (then (call $flush)))
    (if (i32.ge_u (global.get $line) (i32.const 8150)) (then (return)))
    (i32.store8 offset=4137 (global.get $line) (local.get $byte))
    (global.set $line (i32.add (global.get $line) (i32.const 1))))

  (func $ends_with_newline (result i32)
    (if (i32.eqz (global.get $line)) (then (return (i32.const 0))))
    (i32.eq (i32.load8_u (i32.add (global.get $line) (i32.const 4136))) (i32.const 10)))

  ;; {"level": "info" or "warn", "message": str 32}
  (func $flush
    (if (i32.eqz (i32.and (global.get $open) (i32.ne (global.get $line) (i32.const 0)))) (then (return)))
    (global.set $line (i32.sub (global.get $line) (call $ends_with_newline)))
    (i64.store (i32.const 4112) (i64.const 0xa46c6576656ca582))
    (i32.store (i32.const 4120)
      (select (i32.const 0x6e726177) (i32.const 0x6f666e69) (i32.eq (global.get $fd) (i32.const 2))))
    (i64.store (i32.const 4124) (i64.const 0x6567617373656da7))
    (i32.store (i32.const 4132) (i32.const 0xdb))
    (i32.store8 (i32.const 4135) (i32.shr_u (global.get $line) (i32.const 8)))
    (i32.store8 (i32.const 4136) (global.get $line))
    (call $write (i32.const 4112) (i32.add (global.get $line) (i32.const 25)))
    (global.set $line (i32.const 0)))

  (func (export "proc_exit") (param $code i32) (call $flush) (unreachable))
  (func (export "sched_yield") (result i32) (i32.const 0))

  ;; Go waits for nothing but time: the first subscription, if any, is a clock's.
  (func (export "poll_oneoff") (param $in i32) (param $out i32) (param $count i32) (param $done i32) (result i32)
    (if (i32.eqz (local.get $count)) (then (return (i32.const 28))))
    (if (i32.eqz (i32.load8_u offset=8 (local.get $in)))
      (then (global.set $slept (i64.add (global.get $slept) (i64.load offset=24 (local.get $in))))))
    (i64.store (local.get $out) (i64.load (local.get $in)))
    (i64.store offset=8 (local.get $out) (i64.const 0))
    (i64.store offset=16 (local.get $out) (i64.const 0))
    (i64.store offset=24 (local.get $out) (i64.const 0))
    (i32.store (local.get $done) (i32.const 1))
    (i32.const 0))

  (func (export "args_sizes_get") (param $count i32) (param $size i32) (result i32)
    (i32.store (local.get $count) (i32.const 0)) (i32.store (local.get $size) (i32.const 0)) (i32.const 0))
  (func (export "args_get") (param i32 i32) (result i32) (i32.const 0))
  (func (export "environ_sizes_get") (param $count i32) (param $size i32) (result i32)
    (i32.store (local.get $count) (i32.const 0)) (i32.store (local.get $size) (i32.const 0)) (i32.const 0))
  (func (export "environ_get") (param i32 i32) (result i32) (i32.const 0))

  ;; No files: 8 is EBADF.
  (func (export "fd_close") (param i32) (result i32) (i32.const 8))
  (func (export "fd_fdstat_get") (param i32 i32) (result i32) (i32.const 8))
  (func (export "fd_fdstat_set_flags") (param i32 i32) (result i32) (i32.const 8))
  (func (export "fd_fdstat_set_rights") (param i32 i64 i64) (result i32) (i32.const 8))
  (func (export "fd_filestat_get") (param i32 i32) (result i32) (i32.const 8))
  (func (export "fd_filestat_set_size") (param i32 i64) (result i32) (i32.const 8))
  (func (export "fd_pread") (param i32 i32 i32 i64 i32) (result i32) (i32.const 8))
  (func (export "fd_prestat_dir_name") (param i32 i32 i32) (result i32) (i32.const 8))
  (func (export "fd_prestat_get") (param i32 i32) (result i32) (i32.const 8))
  (func (export "fd_pwrite") (param i32 i32 i32 i64 i32) (result i32) (i32.const 8))
  (func (export "fd_read") (param i32 i32 i32 i32) (result i32) (i32.const 8))
  (func (export "fd_readdir") (param i32 i32 i32 i64 i32) (result i32) (i32.const 8))
  (func (export "fd_seek") (param i32 i64 i32 i32) (result i32) (i32.const 8))
  (func (export "fd_sync") (param i32) (result i32) (i32.const 8))
  (func (export "path_create_directory") (param i32 i32 i32) (result i32) (i32.const 8))
  (func (export "path_filestat_get") (param i32 i32 i32 i32 i32) (result i32) (i32.const 8))
  (func (export "path_filestat_set_times") (param i32 i32 i32 i32 i64 i64 i32) (result i32) (i32.const 8))
  (func (export "path_link") (param i32 i32 i32 i32 i32 i32 i32) (result i32) (i32.const 8))
  (func (export "path_open") (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32) (i32.const 8))
  (func (export "path_readlink") (param i32 i32 i32 i32 i32 i32) (result i32) (i32.const 8))
  (func (export "path_remove_directory") (param i32 i32 i32) (result i32) (i32.const 8))
  (func (export "path_rename") (param i32 i32 i32 i32 i32 i32) (result i32) (i32.const 8))
  (func (export "path_symlink") (param i32 i32 i32 i32 i32) (result i32) (i32.const 8))
  (func (export "path_unlink_file") (param i32 i32 i32) (result i32) (i32.const 8))
  (func (export "sock_accept") (param i32 i32 i32) (result i32) (i32.const 8))
  (func (export "sock_shutdown") (param i32 i32) (result i32) (i32.const 8)))
