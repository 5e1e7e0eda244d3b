package aksara

import (
	"strings"

	"aksara.dev/aksara/internal/host"
)

// HTTPHeader has the values of headers, by their names in lower case.
type HTTPHeader map[string][]string

// Get is the first value of a header; "" where there is none.
func (h HTTPHeader) Get(name string) string {
	if values := h[strings.ToLower(name)]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// Add adds a value of a header.
func (h HTTPHeader) Add(name, value string) {
	name = strings.ToLower(name)
	h[name] = append(h[name], value)
}

// HTTPRequest is a request to a host that is granted, with its port, under HTTP of the grants. It takes of the time that
// the event may wait, 5 s in all unless the operator says otherwise: send it from `after_commit` where you can.
// Redirects are not followed.
type HTTPRequest struct {
	// `GET` unless given.
	Method string
	// `https://api.example.com/posts?page=2`
	URL    string
	Header HTTPHeader
	Body   []byte
}

// HTTPResponse is what came back, whatever its status.
type HTTPResponse struct {
	Status int
	Header HTTPHeader
	Body   []byte
}

// HTTPGet sends a GET request.
func HTTPGet(url string) (*HTTPResponse, error) {
	return (&HTTPRequest{URL: url}).Send()
}

// HTTPPost sends a POST request with this body.
func HTTPPost(url, contentType string, body []byte) (*HTTPResponse, error) {
	header := HTTPHeader{"content-type": {contentType}}
	return (&HTTPRequest{Method: "POST", URL: url, Header: header, Body: body}).Send()
}

// Send sends the request, and waits for the whole response. The error is a HostError: the URL is none, the grant is
// missing, or there was no response.
func (r *HTTPRequest) Send() (*HTTPResponse, error) {
	scheme, rest, found := strings.Cut(r.URL, "://")
	if !found {
		return nil, &HostError{Message: "`" + host.ShownURL(r.URL) + "` has no `http://` or `https://`"}
	}
	authority, path := rest, ""
	if at := strings.IndexAny(rest, "/?"); at >= 0 {
		authority, path = rest[:at], rest[at:]
	}
	if authority == "" {
		return nil, &HostError{Message: "`" + host.ShownURL(r.URL) + "` names no host"}
	}
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	request := host.HTTPRequest{
		Method: r.Method, URL: r.URL, Scheme: scheme, Authority: authority, Path: path, Body: r.Body,
	}
	if request.Method == "" {
		request.Method = "GET"
	}
	for name, values := range r.Header {
		for _, value := range values {
			request.Header = append(request.Header, [2]string{name, value})
		}
	}
	answer, err := host.HTTP(&request)
	if err != nil {
		return nil, hostError(err)
	}
	response := &HTTPResponse{Status: answer.Status, Header: HTTPHeader{}, Body: answer.Body}
	for _, header := range answer.Header {
		response.Header.Add(header[0], header[1])
	}
	return response, nil
}
