package aksara

import "aksara.dev/aksara/internal/host"

// Bucket is a part of the cache: bytes by key, which the application and other plugins share. It takes no part in the
// transaction, and needs its grant.
type Bucket struct {
	name string
}

// Cache is the bucket with this name.
func Cache(bucket string) Bucket { return Bucket{bucket} }

// Get is the value of a key; false where there is none.
func (b Bucket) Get(key string) ([]byte, bool, error) {
	value, found, err := host.BucketGet(b.name, key)
	return value, found, hostError(err)
}

// Set writes a value, over what is there.
func (b Bucket) Set(key string, value []byte) error {
	return hostError(host.BucketSet(b.name, key, value))
}

// Delete deletes a value, if there is one.
func (b Bucket) Delete(key string) error {
	return hostError(host.BucketDelete(b.name, key))
}

// Exists says whether there is a value.
func (b Bucket) Exists(key string) (bool, error) {
	found, err := host.BucketExists(b.name, key)
	return found, hostError(err)
}

func hostError(err error) error {
	if err == nil {
		return nil
	}
	return &HostError{Message: err.Error()}
}
