package host

// HTTPRequest is a request with its URL taken apart. Headers are pairs of name and value.
type HTTPRequest struct {
	Method, URL, Scheme, Authority, Path string
	Header                               [][2]string
	Body                                 []byte
}

// HTTPResponse is the whole response to one.
type HTTPResponse struct {
	Status int
	Header [][2]string
	Body   []byte
}
