package guest

import (
	"unsafe"

	"aksara.dev/aksara/internal/host"
)

// The exports of the world, in the canonical ABI. None needs a post-return: what was lent is released by the next call.

//go:wasmexport cabi_realloc
func cabiRealloc(old unsafe.Pointer, oldSize, align, size uint32) unsafe.Pointer {
	block := host.Allocate(size)
	if oldSize > 0 {
		copy(unsafe.Slice((*byte)(block), size), unsafe.Slice((*byte)(old), oldSize))
	}
	return block
}

//go:wasmexport aksara:signals/handler@0.1.0#describe
func describe() unsafe.Pointer {
	host.Open()
	defer host.End()
	result := &host.Result{List: host.Lend(Describe())}
	return unsafe.Add(result.Lend(), unsafe.Offsetof(result.List))
}

//go:wasmexport aksara:signals/handler@0.1.0#handle
func handle(subscription uint32, event unsafe.Pointer, length uint32) unsafe.Pointer {
	host.Release()
	host.Open()
	defer host.End()
	answer, failed := Handle(subscription, unsafe.Slice((*byte)(event), length))
	result := &host.Result{List: host.Lend(answer)}
	if failed {
		result.Failed = 1
	}
	return result.Lend()
}
