package host

import (
	"errors"
	"slices"
	"unsafe"
)

//go:wasmimport wasi:http/types@0.2.0 [static]fields.from-list
func fieldsFromList(entries unsafe.Pointer, count uint32, out unsafe.Pointer)

//go:wasmimport wasi:http/types@0.2.0 [method]fields.entries
func fieldsEntries(fields uint32, out unsafe.Pointer)

//go:wasmimport wasi:http/types@0.2.0 [resource-drop]fields
func fieldsDrop(fields uint32)

//go:wasmimport wasi:http/types@0.2.0 [constructor]outgoing-request
func requestNew(fields uint32) uint32

//go:wasmimport wasi:http/types@0.2.0 [method]outgoing-request.set-method
func requestSetMethod(request, which uint32, other unsafe.Pointer, length uint32) uint32

//go:wasmimport wasi:http/types@0.2.0 [method]outgoing-request.set-scheme
func requestSetScheme(request, some, which uint32, other unsafe.Pointer, length uint32) uint32

//go:wasmimport wasi:http/types@0.2.0 [method]outgoing-request.set-authority
func requestSetAuthority(request, some uint32, authority unsafe.Pointer, length uint32) uint32

//go:wasmimport wasi:http/types@0.2.0 [method]outgoing-request.set-path-with-query
func requestSetPath(request, some uint32, path unsafe.Pointer, length uint32) uint32

//go:wasmimport wasi:http/types@0.2.0 [method]outgoing-request.body
func requestBody(request uint32, out unsafe.Pointer)

//go:wasmimport wasi:http/types@0.2.0 [resource-drop]outgoing-request
func requestDrop(request uint32)

//go:wasmimport wasi:http/types@0.2.0 [method]outgoing-body.write
func bodyWrite(body uint32, out unsafe.Pointer)

//go:wasmimport wasi:http/types@0.2.0 [static]outgoing-body.finish
func bodyFinish(body, some, trailers uint32, out unsafe.Pointer)

//go:wasmimport wasi:http/types@0.2.0 [resource-drop]outgoing-body
func bodyDrop(body uint32)

//go:wasmimport wasi:http/types@0.2.0 [method]future-incoming-response.subscribe
func futureSubscribe(future uint32) uint32

//go:wasmimport wasi:http/types@0.2.0 [method]future-incoming-response.get
func futureGet(future uint32, out unsafe.Pointer)

//go:wasmimport wasi:http/types@0.2.0 [resource-drop]future-incoming-response
func futureDrop(future uint32)

//go:wasmimport wasi:http/types@0.2.0 [method]incoming-response.status
func responseStatus(response uint32) uint32

//go:wasmimport wasi:http/types@0.2.0 [method]incoming-response.headers
func responseHeaders(response uint32) uint32

//go:wasmimport wasi:http/types@0.2.0 [method]incoming-response.consume
func responseConsume(response uint32, out unsafe.Pointer)

//go:wasmimport wasi:http/types@0.2.0 [resource-drop]incoming-response
func responseDrop(response uint32)

//go:wasmimport wasi:http/types@0.2.0 [method]incoming-body.stream
func incomingStream(body uint32, out unsafe.Pointer)

//go:wasmimport wasi:http/types@0.2.0 [resource-drop]incoming-body
func incomingDrop(body uint32)

//go:wasmimport wasi:http/outgoing-handler@0.2.0 handle
func outgoingHandle(request, some, options uint32, out unsafe.Pointer)

//go:wasmimport wasi:io/streams@0.2.0 [method]output-stream.blocking-write-and-flush
func outputWrite(stream uint32, bytes unsafe.Pointer, length uint32, out unsafe.Pointer)

//go:wasmimport wasi:io/streams@0.2.0 [resource-drop]output-stream
func outputDrop(stream uint32)

//go:wasmimport wasi:io/streams@0.2.0 [method]input-stream.blocking-read
func inputRead(stream uint32, length uint64, out unsafe.Pointer)

//go:wasmimport wasi:io/streams@0.2.0 [resource-drop]input-stream
func inputDrop(stream uint32)

//go:wasmimport wasi:io/poll@0.2.0 [method]pollable.block
func pollableBlock(pollable uint32)

//go:wasmimport wasi:io/poll@0.2.0 [resource-drop]pollable
func pollableDrop(pollable uint32)

//go:wasmimport wasi:io/error@0.2.0 [resource-drop]error
func ioErrorDrop(err uint32)

const (
	// What the host takes at once of a body, and what is asked of it at once.
	writeMax = 4 << 10
	readMax  = 64 << 10
)

// made is a `result<handle>` in memory; in place of the handle may be an error.
type made struct {
	failed uint8
	handle uint32
}

// streamed is a `result<list<u8>, stream-error>`, or a `result<_, stream-error>`, of the same shape: in place of the list
// there is whether the stream has come to its end, and the error if not.
type streamed struct {
	failed uint8
	bytes  List
}

// end drops the error of a stream; whether it is none, but the end.
func (s *streamed) end() bool {
	closed := s.bytes.At&0xff != 0
	if !closed {
		ioErrorDrop(s.bytes.Length)
	}
	return closed
}

// errorCode is that of wasi:http: its largest case has 24 bytes, aligned to 8.
type errorCode struct {
	which uint8
	of    [3]uint64
}

// sent is a `result<handle, error-code>`: in place of the error there is the handle.
type sent struct {
	failed uint8
	error  errorCode
}

func (s *sent) handle() uint32 { return *(*uint32)(unsafe.Pointer(&s.error)) }

// arrived is an `option<result<result<handle, error-code>>>`.
type arrived struct {
	there uint8
	once  struct {
		failed   uint8
		response sent
	}
}

// header is a `tuple<string, list<u8>>`.
type header struct{ name, value List }

var methods = []string{"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"}

var schemes = []string{"http", "https"}

const (
	denied   = 15
	internal = 38
)

var errorCodes = [...]string{
	"DNS timeout", "DNS error", "destination not found", "destination unavailable", "destination IP prohibited",
	"destination IP unroutable", "connection refused", "connection terminated", "connection timeout",
	"connection read timeout", "connection write timeout", "connection limit reached", "TLS protocol error",
	"TLS certificate error", "TLS alert received", "HTTP request denied", "HTTP request length required",
	"HTTP request body size", "HTTP request method invalid", "HTTP request URI invalid", "HTTP request URI too long",
	"HTTP request header section size", "HTTP request header size", "HTTP request trailer section size",
	"HTTP request trailer size", "HTTP response incomplete", "HTTP response header section size",
	"HTTP response header size", "HTTP response body size", "HTTP response trailer section size",
	"HTTP response trailer size", "HTTP response transfer coding", "HTTP response content coding",
	"HTTP response timeout", "HTTP upgrade failed", "HTTP protocol error", "loop detected", "configuration error",
	internal: "internal error",
}

func (e *errorCode) text() string {
	switch {
	case e.which == denied:
		return "the host and port are not granted; ask for them under `HTTP` of the grants, and let the operator " +
			"grant them"
	case int(e.which) >= len(errorCodes):
		return "there is no response: an unknown error"
	}
	text := "there is no response: " + errorCodes[e.which]
	// An `option<string>`.
	if e.which == internal && e.of[0]&0xff != 0 {
		reason := List{At: uint32(e.of[0] >> 32), Length: uint32(e.of[1])}
		text += ": " + string(reason.Bytes())
	}
	return text
}

// closed makes a call in which the host may write a list.
func closed(call func()) {
	Close()
	call()
	Open()
}

// HTTP sends a request, and waits for the whole response.
func HTTP(request *HTTPRequest) (*HTTPResponse, error) {
	response, wrong := send(request)
	if wrong != "" {
		return nil, errors.New("`" + ShownURL(request.URL) + "`: " + wrong)
	}
	defer responseDrop(response)
	status := int(responseStatus(response))
	body, whole := read(response)
	if !whole {
		return nil, errors.New("`" + ShownURL(request.URL) + "`: the response ends too early")
	}
	return &HTTPResponse{status, entries(responseHeaders(response)), body}, nil
}

// send sends a request; the response, or what went wrong.
func send(request *HTTPRequest) (uint32, string) {
	outgoing, wrong := outgoing(request)
	if wrong != "" {
		return 0, wrong
	}
	var body made
	requestBody(outgoing, unsafe.Pointer(&body))
	var future sent
	closed(func() { outgoingHandle(outgoing, 0, 0, unsafe.Pointer(&future)) })
	if future.failed != 0 {
		if body.failed == 0 {
			bodyDrop(body.handle)
		}
		return 0, future.error.text()
	}
	defer futureDrop(future.handle())
	written := body.failed == 0 && write(body.handle, request.Body)
	ready := futureSubscribe(future.handle())
	pollableBlock(ready)
	pollableDrop(ready)
	var now arrived
	closed(func() { futureGet(future.handle(), unsafe.Pointer(&now)) })
	response := &now.once.response
	switch {
	case now.there == 0 || now.once.failed != 0:
		return 0, "there is no response"
	case response.failed != 0:
		return 0, response.error.text()
	case !written:
		responseDrop(response.handle())
		return 0, "the body cannot be written"
	}
	return response.handle(), ""
}

// outgoing makes the request; or says what is wrong with it.
func outgoing(request *HTTPRequest) (uint32, string) {
	headers := make([]header, len(request.Header)+1)
	for i, pair := range request.Header {
		headers[i] = header{Lend([]byte(pair[0])), Lend([]byte(pair[1]))}
	}
	var fields made
	fieldsFromList(unsafe.Pointer(unsafe.SliceData(headers)), uint32(len(request.Header)), unsafe.Pointer(&fields))
	if fields.failed != 0 {
		return 0, "a header is refused"
	}
	outgoing := requestNew(fields.handle)
	method, scheme, authority, path := request.Method, request.Scheme, request.Authority, request.Path
	wrong := ""
	switch {
	case requestSetMethod(outgoing, which(methods, method), text(method), uint32(len(method))) != 0:
		wrong = "the method is none"
	case requestSetScheme(outgoing, 1, which(schemes, scheme), text(scheme), uint32(len(scheme))) != 0:
		wrong = "the scheme is none"
	case requestSetAuthority(outgoing, 1, text(authority), uint32(len(authority))) != 0:
		wrong = "the host is none"
	case requestSetPath(outgoing, 1, text(path), uint32(len(path))) != 0:
		wrong = "the path is none"
	default:
		return outgoing, ""
	}
	requestDrop(outgoing)
	return 0, wrong
}

// which is the case of a variant whose last one is for every other name.
func which(names []string, name string) uint32 {
	if at := slices.Index(names, name); at >= 0 {
		return uint32(at)
	}
	return uint32(len(names))
}

// write writes a body to its end; whether it could.
func write(body uint32, bytes []byte) bool {
	var stream made
	bodyWrite(body, unsafe.Pointer(&stream))
	written := stream.failed == 0
	for written && len(bytes) > 0 {
		piece := bytes[:min(len(bytes), writeMax)]
		bytes = bytes[len(piece):]
		var out streamed
		outputWrite(stream.handle, data(piece), uint32(len(piece)), unsafe.Pointer(&out))
		if out.failed != 0 {
			out.end()
			written = false
		}
	}
	if stream.failed == 0 {
		// Before the body, of which it is a part.
		outputDrop(stream.handle)
	}
	var finished sent
	closed(func() { bodyFinish(body, 0, 0, unsafe.Pointer(&finished)) })
	return written && finished.failed == 0
}

// read reads the body of a response; whether it came to its end.
func read(response uint32) ([]byte, bool) {
	var body, stream made
	responseConsume(response, unsafe.Pointer(&body))
	if body.failed != 0 {
		return nil, false
	}
	defer incomingDrop(body.handle)
	incomingStream(body.handle, unsafe.Pointer(&stream))
	if stream.failed != 0 {
		return nil, false
	}
	defer inputDrop(stream.handle)
	var whole []byte
	for {
		var out streamed
		closed(func() { inputRead(stream.handle, readMax, unsafe.Pointer(&out)) })
		if out.failed != 0 {
			return whole, out.end()
		}
		whole = append(whole, out.bytes.Bytes()...)
	}
}

// entries are the headers, which it drops.
func entries(fields uint32) [][2]string {
	var out List
	closed(func() { fieldsEntries(fields, unsafe.Pointer(&out)) })
	fieldsDrop(fields)
	headers := unsafe.Slice((*header)(unsafe.Pointer(uintptr(out.At))), out.Length)
	pairs := make([][2]string, len(headers))
	for i, header := range headers {
		pairs[i] = [2]string{string(header.name.Bytes()), string(header.value.Bytes())}
	}
	return pairs
}
