// Package msgpack is the codec of the contract: MessagePack as the host writes it, and nothing else of the format.
//
// Values are nil, bool, int64 (uint64 above its range), float64, string, []byte, time.Time (the timestamp extension),
// []any and map[string]any.
package msgpack

import (
	"encoding/binary"
	"errors"
	"math"
	"strconv"
	"time"
	"unicode/utf8"
	"unsafe"
)

var (
	errCut       = errors.New("malformed MessagePack: it ends in the middle of a value")
	errTimestamp = errors.New("malformed MessagePack: a malformed timestamp")
	errUTF8      = errors.New("a text is not UTF-8")
)

// Decode reads one value, and nothing after it.
func Decode(data []byte) (any, error) {
	r := NewReader(data)
	value, err := r.Value()
	if err != nil {
		return nil, err
	}
	return value, r.End()
}

// Reader reads values one after the other.
type Reader struct {
	data []byte
	// The same bytes: a string is a part of it, not a copy.
	text string
	at   int
}

// NewReader makes a reader of these bytes, which have to stay as they are.
func NewReader(data []byte) *Reader {
	return &Reader{data: data, text: unsafe.String(unsafe.SliceData(data), len(data))}
}

// End is nil when all bytes were read.
func (r *Reader) End() error {
	if rest := len(r.data) - r.at; rest > 0 {
		return errors.New(strconv.Itoa(rest) + " bytes after the end of the MessagePack value")
	}
	return nil
}

// Map reads the head of a map: the number of its keys, or false where the value is something else, which is skipped.
func (r *Reader) Map() (int, bool, error) {
	return r.head(0x80, 0xde)
}

// Array reads the head of an array as Map does that of a map.
func (r *Reader) Array() (int, bool, error) {
	return r.head(0x90, 0xdc)
}

func (r *Reader) head(short, long byte) (int, bool, error) {
	if r.at >= len(r.data) {
		return 0, false, errCut
	}
	switch marker := r.data[r.at]; {
	case marker&0xf0 == short:
		r.at++
		n, err := r.announced(uint64(marker & 0x0f))
		return n, true, err
	case marker == long || marker == long+1:
		r.at++
		n, err := r.length(2 << (marker - long))
		return n, true, err
	}
	_, err := r.Value()
	return 0, false, err
}

// Key reads the key of a map.
func (r *Reader) Key() (string, error) {
	if r.at < len(r.data) {
		if marker := r.data[r.at]; marker&0xe0 != 0xa0 && (marker < 0xd9 || marker > 0xdb) {
			return "", errors.New("malformed MessagePack: the key of a map is not text")
		}
	}
	value, err := r.Value()
	if err != nil {
		return "", err
	}
	return value.(string), nil
}

// Value reads one value.
func (r *Reader) Value() (any, error) {
	if r.at >= len(r.data) {
		return nil, errCut
	}
	marker := r.data[r.at]
	r.at++
	switch {
	case marker < 0x80:
		return int64(marker), nil
	case marker < 0x90:
		return r.mapOf(int(marker & 0x0f))
	case marker < 0xa0:
		return r.arrayOf(int(marker & 0x0f))
	case marker < 0xc0:
		return r.textOf(int(marker & 0x1f))
	case marker >= 0xe0:
		return int64(int8(marker)), nil
	}
	switch marker {
	case 0xc0:
		return nil, nil
	case 0xc2, 0xc3:
		return marker == 0xc3, nil
	case 0xca:
		bits, err := r.uint(4)
		return float64(math.Float32frombits(uint32(bits))), err
	case 0xcb:
		bits, err := r.uint(8)
		return math.Float64frombits(bits), err
	case 0xcc, 0xcd, 0xce, 0xcf:
		bits, err := r.uint(1 << (marker - 0xcc))
		if bits > math.MaxInt64 {
			return bits, err
		}
		return int64(bits), err
	case 0xd0, 0xd1, 0xd2, 0xd3:
		size := 1 << (marker - 0xd0)
		bits, err := r.uint(size)
		unused := 64 - 8*size
		return int64(bits<<unused) >> unused, err
	case 0xd4, 0xd5, 0xd6, 0xd7, 0xd8:
		return r.extension(1 << (marker - 0xd4))
	}
	if marker == 0xc1 {
		return nil, errors.New("malformed MessagePack: the reserved marker 0xc1")
	}
	return r.sized(marker)
}

// sized reads a value whose marker is followed by a length.
func (r *Reader) sized(marker byte) (any, error) {
	var size int
	switch marker {
	case 0xc4, 0xc7, 0xd9:
		size = 1
	case 0xc5, 0xc8, 0xda, 0xdc, 0xde:
		size = 2
	default:
		size = 4
	}
	n, err := r.length(size)
	if err != nil {
		return nil, err
	}
	switch marker {
	case 0xc4, 0xc5, 0xc6:
		part, err := r.take(n)
		return append([]byte{}, part...), err
	case 0xc7, 0xc8, 0xc9:
		return r.extension(n)
	case 0xd9, 0xda, 0xdb:
		return r.textOf(n)
	case 0xdc, 0xdd:
		return r.arrayOf(n)
	}
	return r.mapOf(n)
}

func (r *Reader) textOf(n int) (any, error) {
	start := r.at
	if _, err := r.take(n); err != nil {
		return nil, err
	}
	text := r.text[start:r.at]
	if !utf8.ValidString(text) {
		return nil, errUTF8
	}
	return text, nil
}

func (r *Reader) arrayOf(n int) (any, error) {
	if _, err := r.announced(uint64(n)); err != nil {
		return nil, err
	}
	array := make([]any, n)
	for i := range array {
		var err error
		if array[i], err = r.Value(); err != nil {
			return nil, err
		}
	}
	return array, nil
}

func (r *Reader) mapOf(n int) (any, error) {
	if _, err := r.announced(uint64(n)); err != nil {
		return nil, err
	}
	fields := make(map[string]any, n)
	for range n {
		name, err := r.Key()
		if err != nil {
			return nil, err
		}
		if _, found := fields[name]; found {
			return nil, errors.New("malformed MessagePack: duplicate key `" + name + "`")
		}
		if fields[name], err = r.Value(); err != nil {
			return nil, err
		}
	}
	return fields, nil
}

// extension reads the type and the bytes of an extension, of which there is one: the timestamp.
func (r *Reader) extension(n int) (any, error) {
	kind, err := r.uint(1)
	if err != nil {
		return nil, err
	}
	data, err := r.take(n)
	if err != nil {
		return nil, err
	}
	if kind := int8(kind); kind != -1 {
		return nil, errors.New("malformed MessagePack: unknown extension type " + strconv.Itoa(int(kind)))
	}
	var seconds int64
	var nanoseconds uint64
	switch n {
	case 4:
		seconds = int64(binary.BigEndian.Uint32(data))
	case 8:
		bits := binary.BigEndian.Uint64(data)
		seconds, nanoseconds = int64(bits&(1<<34-1)), bits>>34
	case 12:
		nanoseconds = uint64(binary.BigEndian.Uint32(data))
		seconds = int64(binary.BigEndian.Uint64(data[4:]))
	default:
		return nil, errTimestamp
	}
	if nanoseconds >= 1_000_000_000 {
		return nil, errTimestamp
	}
	return time.Unix(seconds, int64(nanoseconds)).UTC(), nil
}

func (r *Reader) length(size int) (int, error) {
	n, err := r.uint(size)
	if err != nil {
		return 0, err
	}
	return r.announced(n)
}

// announced refuses a length that the rest of the bytes cannot hold, before anything of it is allocated.
func (r *Reader) announced(n uint64) (int, error) {
	if n > uint64(len(r.data)-r.at) {
		return 0, errCut
	}
	return int(n), nil
}

func (r *Reader) uint(size int) (uint64, error) {
	part, err := r.take(size)
	var value uint64
	for _, c := range part {
		value = value<<8 | uint64(c)
	}
	return value, err
}

func (r *Reader) take(n int) ([]byte, error) {
	if n > len(r.data)-r.at {
		return nil, errCut
	}
	part := r.data[r.at : r.at+n]
	r.at += n
	return part, nil
}
