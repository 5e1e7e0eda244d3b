package host

import "unsafe"

//go:wasmimport wasi_snapshot_preview1 aksara_gate
func gate(to int32)

// Open lets Go's runtime call the host, for the time and for output, while a handler runs.
func Open() { gate(1) }

// Close is for the time in which the host writes a list into memory: `cabi_realloc` runs Go, and must call nothing.
func Close() { gate(0) }

// End closes at the end of a call, and writes what was printed without the end of a line.
func End() { gate(2) }

// What packages print while they are initialised waits for the first call; from here on there may be lists.
func init() { gate(0) }

// lent holds what the host writes to, or has yet to read: the collector does not know that it does.
var lent []unsafe.Pointer

// List is a `list<u8>` or a `string` in memory.
type List struct {
	At     uint32
	Length uint32
}

// Result is a `result<list<u8>, list<u8>>` in memory.
type Result struct {
	Failed uint8
	List   List
}

// Allocate is `cabi_realloc` for a new block. All blocks begin at a multiple of 8, which is enough for any type.
func Allocate(size uint32) unsafe.Pointer {
	if size == 0 {
		return unsafe.Pointer(uintptr(8))
	}
	block := unsafe.Pointer(unsafe.SliceData(make([]uint64, (size+7)/8)))
	lent = append(lent, block)
	return block
}

// Lend keeps these bytes where they are until Release, for the host to read.
func Lend(bytes []byte) List {
	at := data(bytes)
	lent = append(lent, at)
	return List{uint32(uintptr(at)), uint32(len(bytes))}
}

// Lend keeps a result where it is, for the host to read.
func (r *Result) Lend() unsafe.Pointer {
	lent = append(lent, unsafe.Pointer(r))
	return unsafe.Pointer(r)
}

// Bytes are those that the host has written to an allocated block.
func (l List) Bytes() []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(uintptr(l.At))), l.Length)
}

// Release ends what was lent so far. What Go still points to stays.
func Release() {
	clear(lent)
	lent = lent[:0]
}

func data(bytes []byte) unsafe.Pointer {
	return unsafe.Pointer(unsafe.SliceData(bytes))
}
