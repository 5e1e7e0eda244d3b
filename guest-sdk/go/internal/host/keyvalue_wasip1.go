package host

import (
	"errors"
	"unsafe"
)

//go:wasmimport wasi:keyvalue/store@0.2.0-draft open
func storeOpen(name unsafe.Pointer, length uint32, out unsafe.Pointer)

//go:wasmimport wasi:keyvalue/store@0.2.0-draft [method]bucket.get
func bucketGet(bucket uint32, key unsafe.Pointer, length uint32, out unsafe.Pointer)

//go:wasmimport wasi:keyvalue/store@0.2.0-draft [method]bucket.set
func bucketSet(bucket uint32, key unsafe.Pointer, length uint32, value unsafe.Pointer, size uint32, out unsafe.Pointer)

//go:wasmimport wasi:keyvalue/store@0.2.0-draft [method]bucket.delete
func bucketDelete(bucket uint32, key unsafe.Pointer, length uint32, out unsafe.Pointer)

//go:wasmimport wasi:keyvalue/store@0.2.0-draft [method]bucket.exists
func bucketExists(bucket uint32, key unsafe.Pointer, length uint32, out unsafe.Pointer)

//go:wasmimport wasi:keyvalue/store@0.2.0-draft [resource-drop]bucket
func bucketDrop(bucket uint32)

// failure is the `error` of wasi:keyvalue, which stands in memory where the result of the Ok side would.
type failure struct {
	kind  uint8
	other List
}

func (f failure) error(bucket string) error {
	switch f.kind {
	case 0:
		return errors.New("there is no bucket `" + bucket + "`")
	case 1:
		return errors.New("the bucket `" + bucket + "` is not granted; ask for it under `KeyValue` of the grants, and " +
			"let the operator grant it in `plugins.toml`")
	}
	return errors.New("the bucket `" + bucket + "` failed: " + string(f.other.Bytes()))
}

// with opens the bucket, makes one call and closes it. In out the host leaves a `result` whose Err side is an error;
// what the Ok side has is the caller's to know.
func with(bucket string, call func(open uint32, out unsafe.Pointer)) (failure, error) {
	var out struct {
		failed uint8
		failure
	}
	Close()
	defer Open()
	storeOpen(text(bucket), uint32(len(bucket)), unsafe.Pointer(&out))
	if out.failed != 0 {
		return out.failure, out.failure.error(bucket)
	}
	open := *(*uint32)(unsafe.Pointer(&out.failure))
	defer bucketDrop(open)
	call(open, unsafe.Pointer(&out))
	if out.failed != 0 {
		return out.failure, out.failure.error(bucket)
	}
	return out.failure, nil
}

// BucketGet reads a value of a bucket. In place of an error there is an `option<list<u8>>`, of the same shape.
func BucketGet(bucket, key string) ([]byte, bool, error) {
	value, err := with(bucket, func(open uint32, out unsafe.Pointer) {
		bucketGet(open, text(key), uint32(len(key)), out)
	})
	if err != nil || value.kind == 0 {
		return nil, false, err
	}
	return value.other.Bytes(), true, nil
}

// BucketSet writes a value of a bucket.
func BucketSet(bucket, key string, value []byte) error {
	_, err := with(bucket, func(open uint32, out unsafe.Pointer) {
		bucketSet(open, text(key), uint32(len(key)), data(value), uint32(len(value)), out)
	})
	return err
}

// BucketDelete deletes a value of a bucket.
func BucketDelete(bucket, key string) error {
	_, err := with(bucket, func(open uint32, out unsafe.Pointer) {
		bucketDelete(open, text(key), uint32(len(key)), out)
	})
	return err
}

// BucketExists says whether a bucket has a value: one byte in place of an error.
func BucketExists(bucket, key string) (bool, error) {
	found, err := with(bucket, func(open uint32, out unsafe.Pointer) {
		bucketExists(open, text(key), uint32(len(key)), out)
	})
	return found.kind != 0, err
}

func text(s string) unsafe.Pointer {
	return unsafe.Pointer(unsafe.StringData(s))
}
