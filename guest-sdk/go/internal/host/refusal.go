// Package host is the imports of a plugin: the host's in WebAssembly, natively those of a mock.
package host

// Refusal is the encoded error of an import.
type Refusal []byte

func (r Refusal) Error() string {
	return "the host refused"
}
