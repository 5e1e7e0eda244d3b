package host

import "unsafe"

//go:wasmimport aksara:signals/log@0.1.0 write
func logWrite(at unsafe.Pointer, length uint32)

//go:wasmimport aksara:signals/models@0.1.0 get
func modelsGet(at unsafe.Pointer, length uint32, out unsafe.Pointer)

//go:wasmimport aksara:signals/models@0.1.0 find
func modelsFind(at unsafe.Pointer, length uint32, out unsafe.Pointer)

//go:wasmimport aksara:signals/models@0.1.0 count
func modelsCount(at unsafe.Pointer, length uint32, out unsafe.Pointer)

//go:wasmimport aksara:signals/models@0.1.0 create
func modelsCreate(at unsafe.Pointer, length uint32, out unsafe.Pointer)

//go:wasmimport aksara:signals/models@0.1.0 update
func modelsUpdate(at unsafe.Pointer, length uint32, out unsafe.Pointer)

//go:wasmimport aksara:signals/models@0.1.0 delete
func modelsDelete(at unsafe.Pointer, length uint32, out unsafe.Pointer)

//go:wasmimport aksara:signals/bus@0.1.0 send
func busSend(at unsafe.Pointer, length uint32, out unsafe.Pointer)

//go:wasmimport aksara:signals/services@0.1.0 call
func servicesCall(at unsafe.Pointer, length uint32, out unsafe.Pointer)

//go:wasmimport aksara:signals/config@0.1.0 get
func configGet(at unsafe.Pointer, length uint32, out unsafe.Pointer)

// Log writes one line.
func Log(line []byte) {
	logWrite(data(line), uint32(len(line)))
}

// The imports that take a request and return an answer. The linker leaves out those that a plugin does not call.

func ModelsGet(request []byte) ([]byte, error)    { return ask(modelsGet, request) }
func ModelsFind(request []byte) ([]byte, error)   { return ask(modelsFind, request) }
func ModelsCount(request []byte) ([]byte, error)  { return ask(modelsCount, request) }
func ModelsCreate(request []byte) ([]byte, error) { return ask(modelsCreate, request) }
func ModelsUpdate(request []byte) ([]byte, error) { return ask(modelsUpdate, request) }
func ModelsDelete(request []byte) ([]byte, error) { return ask(modelsDelete, request) }
func BusSend(request []byte) ([]byte, error)      { return ask(busSend, request) }
func ServicesCall(request []byte) ([]byte, error) { return ask(servicesCall, request) }
func ConfigGet(request []byte) ([]byte, error)    { return ask(configGet, request) }

func ask(call func(unsafe.Pointer, uint32, unsafe.Pointer), request []byte) ([]byte, error) {
	out := new(Result)
	Close()
	call(data(request), uint32(len(request)), unsafe.Pointer(out))
	Open()
	if out.Failed != 0 {
		return nil, Refusal(out.List.Bytes())
	}
	return out.List.Bytes(), nil
}
