package msgpack

import (
	"encoding/binary"
	"errors"
	"math"
	"reflect"
	"slices"
	"time"
	"unicode/utf8"
)

// Append appends one value of the kinds that Decode returns, in the shortest form that there is for it.
func Append(b []byte, value any) ([]byte, error) {
	switch v := value.(type) {
	case nil:
		return append(b, 0xc0), nil
	case bool:
		if v {
			return append(b, 0xc3), nil
		}
		return append(b, 0xc2), nil
	case int64:
		return AppendInt(b, v), nil
	case uint64:
		return appendUint(b, v), nil
	case float64:
		return binary.BigEndian.AppendUint64(append(b, 0xcb), math.Float64bits(v)), nil
	case string:
		if !utf8.ValidString(v) {
			return nil, errUTF8
		}
		return AppendString(b, v), nil
	case []byte:
		return appendBytes(b, v), nil
	case time.Time:
		return appendTime(b, v), nil
	case []any:
		b = AppendArray(b, len(v))
		for _, element := range v {
			var err error
			if b, err = Append(b, element); err != nil {
				return nil, err
			}
		}
		return b, nil
	case map[string]any:
		names := make([]string, 0, len(v))
		for name := range v {
			names = append(names, name)
		}
		slices.Sort(names)
		b = AppendMap(b, len(v))
		for _, name := range names {
			var err error
			if b, err = Append(AppendString(b, name), v[name]); err != nil {
				return nil, err
			}
		}
		return b, nil
	}
	return nil, errors.New("a `" + reflect.TypeOf(value).String() + "` has no form in MessagePack")
}

// AppendInt appends an integer.
func AppendInt(b []byte, v int64) []byte {
	switch {
	case v >= 0:
		return appendUint(b, uint64(v))
	case v >= -32:
		return append(b, byte(v))
	case v >= math.MinInt8:
		return append(b, 0xd0, byte(v))
	case v >= math.MinInt16:
		return binary.BigEndian.AppendUint16(append(b, 0xd1), uint16(v))
	case v >= math.MinInt32:
		return binary.BigEndian.AppendUint32(append(b, 0xd2), uint32(v))
	}
	return binary.BigEndian.AppendUint64(append(b, 0xd3), uint64(v))
}

// AppendString appends text, or the key of a map.
func AppendString(b []byte, v string) []byte {
	if n := len(v); n < 32 {
		b = append(b, 0xa0|byte(n))
	} else {
		b = appendLength(b, n, 0xd9, 0xda, 0xdb)
	}
	return append(b, v...)
}

// AppendArray appends the head of an array; so many values follow.
func AppendArray(b []byte, n int) []byte {
	if n < 16 {
		return append(b, 0x90|byte(n))
	}
	return appendLength(b, n, 0, 0xdc, 0xdd)
}

// AppendMap appends the head of a map; so many keys with their values follow.
func AppendMap(b []byte, n int) []byte {
	if n < 16 {
		return append(b, 0x80|byte(n))
	}
	return appendLength(b, n, 0, 0xde, 0xdf)
}

func appendUint(b []byte, v uint64) []byte {
	switch {
	case v < 128:
		return append(b, byte(v))
	case v <= math.MaxUint8:
		return append(b, 0xcc, byte(v))
	case v <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(b, 0xcd), uint16(v))
	case v <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(b, 0xce), uint32(v))
	}
	return binary.BigEndian.AppendUint64(append(b, 0xcf), v)
}

func appendBytes(b, v []byte) []byte {
	return append(appendLength(b, len(v), 0xc4, 0xc5, 0xc6), v...)
}

// appendLength appends the marker for lengths of 8, 16 or 32 bits, and the length; arrays and maps have none of 8.
func appendLength(b []byte, n int, m8, m16, m32 byte) []byte {
	switch {
	case m8 != 0 && n <= math.MaxUint8:
		return append(b, m8, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(b, m16), uint16(n))
	}
	return binary.BigEndian.AppendUint32(append(b, m32), uint32(n))
}

// appendTime appends the timestamp extension, of 4, 8 or 12 bytes.
func appendTime(b []byte, v time.Time) []byte {
	seconds, nanoseconds := v.Unix(), uint64(v.Nanosecond())
	switch {
	case seconds>>34 != 0:
		b = append(b, 0xc7, 12, 0xff)
		b = binary.BigEndian.AppendUint32(b, uint32(nanoseconds))
		return binary.BigEndian.AppendUint64(b, uint64(seconds))
	case nanoseconds != 0 || seconds > math.MaxUint32:
		return binary.BigEndian.AppendUint64(append(b, 0xd7, 0xff), nanoseconds<<34|uint64(seconds))
	}
	return binary.BigEndian.AppendUint32(append(b, 0xd6, 0xff), uint32(seconds))
}
