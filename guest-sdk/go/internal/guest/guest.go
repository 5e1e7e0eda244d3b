// Package guest connects those who call a plugin with the package that knows its handlers.
package guest

// Describe is the plugin's description, encoded.
var Describe func() []byte

// Handle runs one subscription for one event: the reply, or with true the failure.
var Handle func(subscription uint32, event []byte) ([]byte, bool)

// Wire makes of a Go value one of those that the codec has.
var Wire func(any) (any, error)
