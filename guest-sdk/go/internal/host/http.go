package host

import "strings"

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

// ShownURL is a URL as errors show it: without its query and its user, which may be secrets.
func ShownURL(url string) string {
	if at := strings.IndexAny(url, "?#"); at >= 0 {
		url = url[:at]
	}
	scheme, rest := "", url
	if at := strings.Index(url, "://"); at >= 0 {
		scheme, rest = url[:at+3], url[at+3:]
	}
	authority, path := rest, ""
	if at := strings.Index(rest, "/"); at >= 0 {
		authority, path = rest[:at], rest[at:]
	}
	return scheme + authority[strings.LastIndex(authority, "@")+1:] + path
}
