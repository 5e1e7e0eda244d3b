package aksaratest

import (
	"errors"
	"fmt"

	"aksara.dev/aksara"
	"aksara.dev/aksara/internal/guest"
	"aksara.dev/aksara/internal/host"
	"aksara.dev/aksara/internal/msgpack"
)

// Host answers what handlers ask: from rows, services, settings and a cache in memory, which stay from call to call.
type Host struct {
	// What services answer, by name.
	Services map[string]func(args any) (any, error)
	// The plugin's settings, by name.
	Settings map[string]any
	// The cache: values by bucket and key.
	Cache map[string]map[string][]byte
	// What HTTP requests get, by URL.
	Responses map[string]aksara.HTTPResponse

	rows   map[string][]aksara.Values
	keys   map[string]string
	called Called
}

// New is a host that has nothing yet.
func New() *Host {
	return &Host{
		Services:  map[string]func(any) (any, error){},
		Settings:  map[string]any{},
		Cache:     map[string]map[string][]byte{},
		Responses: map[string]aksara.HTTPResponse{},
		rows:      map[string][]aksara.Values{},
		keys:      map[string]string{},
	}
}

// mock is the host as the SDK sees it.
type mock struct {
	*Host
}

func (h mock) Log(line []byte) {
	h.called.Log = append(h.called.Log, must(msgpack.Decode(line)).(map[string]any))
}

func (h mock) Ask(name string, encoded []byte) ([]byte, error) {
	request := must(msgpack.Decode(encoded)).(map[string]any)
	h.called.Requests = append(h.called.Requests, Request{name, request})
	answer, err := h.answer(name, request)
	if err != nil {
		return nil, err
	}
	wire, err := guest.Wire(answer)
	if err != nil {
		return nil, err
	}
	return msgpack.Append(nil, wire)
}

func (h *Host) answer(name string, request map[string]any) (any, error) {
	switch name {
	case "bus.send":
		if request["robust"] == true {
			return []any{}, nil
		}
		return nil, nil
	case "services.call":
		service := request["service"].(string)
		answer, found := h.Services[service]
		if !found {
			return nil, fmt.Errorf("there is no service `%s`; give the host one under `Services`", service)
		}
		return answer(request["args"])
	case "config.get":
		return h.Settings[request["name"].(string)], nil
	}
	return h.models(name, request)
}

func (h mock) BucketGet(bucket, key string) ([]byte, bool, error) {
	value, found := h.Cache[bucket][key]
	return value, found, nil
}

func (h mock) BucketSet(bucket, key string, value []byte) error {
	if h.Cache[bucket] == nil {
		h.Cache[bucket] = map[string][]byte{}
	}
	h.Cache[bucket][key] = append([]byte{}, value...)
	return nil
}

func (h mock) BucketDelete(bucket, key string) error {
	delete(h.Cache[bucket], key)
	return nil
}

func (h mock) HTTP(request *host.HTTPRequest) (*host.HTTPResponse, error) {
	asked := map[string]any{"method": request.Method, "url": request.URL, "header": request.Header, "body": request.Body}
	h.called.Requests = append(h.called.Requests, Request{"http", asked})
	response, found := h.Responses[request.URL]
	if !found {
		return nil, fmt.Errorf("there is no response of `%s`; give the host one under `Responses`", request.URL)
	}
	answer := &host.HTTPResponse{Status: response.Status, Body: response.Body}
	for name, values := range response.Header {
		for _, value := range values {
			answer.Header = append(answer.Header, [2]string{name, value})
		}
	}
	return answer, nil
}

var errWhich = errors.New("neither `key` nor `filter` says which rows are meant")
