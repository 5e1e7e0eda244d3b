//go:build !wasip1

package host

import "errors"

// Mock is who answers natively: that of aksaratest, while a test calls a handler.
type Mock interface {
	Log(line []byte)
	Ask(name string, request []byte) ([]byte, error)
	BucketGet(bucket, key string) ([]byte, bool, error)
	BucketSet(bucket, key string, value []byte) error
	BucketDelete(bucket, key string) error
	HTTP(request *HTTPRequest) (*HTTPResponse, error)
}

// Current is the mock in charge, if there is one.
var Current Mock

var errNobody = errors.New("there is no host here; call the handler through `aksaratest`")

// Log writes one line.
func Log(line []byte) {
	if Current != nil {
		Current.Log(line)
	}
}

func ask(name string, request []byte) ([]byte, error) {
	if Current == nil {
		return nil, errNobody
	}
	return Current.Ask(name, request)
}

// The imports that take a request and return an answer.

func ModelsGet(request []byte) ([]byte, error)    { return ask("models.get", request) }
func ModelsFind(request []byte) ([]byte, error)   { return ask("models.find", request) }
func ModelsCount(request []byte) ([]byte, error)  { return ask("models.count", request) }
func ModelsCreate(request []byte) ([]byte, error) { return ask("models.create", request) }
func ModelsUpdate(request []byte) ([]byte, error) { return ask("models.update", request) }
func ModelsDelete(request []byte) ([]byte, error) { return ask("models.delete", request) }
func BusSend(request []byte) ([]byte, error)      { return ask("bus.send", request) }
func ServicesCall(request []byte) ([]byte, error) { return ask("services.call", request) }
func ConfigGet(request []byte) ([]byte, error)    { return ask("config.get", request) }

// BucketGet reads a value of a bucket.
func BucketGet(bucket, key string) ([]byte, bool, error) {
	if Current == nil {
		return nil, false, errNobody
	}
	return Current.BucketGet(bucket, key)
}

// BucketSet writes a value of a bucket.
func BucketSet(bucket, key string, value []byte) error {
	if Current == nil {
		return errNobody
	}
	return Current.BucketSet(bucket, key, value)
}

// BucketDelete deletes a value of a bucket.
func BucketDelete(bucket, key string) error {
	if Current == nil {
		return errNobody
	}
	return Current.BucketDelete(bucket, key)
}

// HTTP sends a request.
func HTTP(request *HTTPRequest) (*HTTPResponse, error) {
	if Current == nil {
		return nil, errNobody
	}
	return Current.HTTP(request)
}

// BucketExists says whether a bucket has a value.
func BucketExists(bucket, key string) (bool, error) {
	_, found, err := BucketGet(bucket, key)
	return found, err
}
