package aksara

import "aksara.dev/aksara/internal/msgpack"

// reply encodes what goes back to the host: nothing at all for "unchanged", or the patch.
func (e *Event) reply() ([]byte, error) {
	var own []string
	if e.Instance != nil {
		own = e.Instance.Changed()
	}
	bulk := make([][]string, len(e.Instances))
	anyBulk := false
	for i, instance := range e.Instances {
		bulk[i] = instance.Changed()
		anyBulk = anyBulk || len(bulk[i]) > 0
	}
	keys := 0
	for _, present := range []bool{len(own) > 0, len(e.addedFields) > 0, anyBulk, e.newKeys != nil} {
		if present {
			keys++
		}
	}
	if keys == 0 {
		return nil, nil
	}
	b := msgpack.AppendMap(make([]byte, 0, 256), keys)
	var err error
	if len(own) > 0 {
		if b, err = e.Instance.append(msgpack.AppendString(b, "instance"), own); err != nil {
			return nil, err
		}
	}
	if len(e.addedFields) > 0 {
		b = msgpack.AppendArray(msgpack.AppendString(b, "update_fields"), len(e.addedFields))
		for _, name := range e.addedFields {
			b = msgpack.AppendString(b, name)
		}
	}
	if anyBulk {
		b = msgpack.AppendArray(msgpack.AppendString(b, "instances"), len(bulk))
		for i, changed := range bulk {
			if b, err = e.Instances[i].append(b, changed); err != nil {
				return nil, err
			}
		}
	}
	if e.newKeys != nil {
		return msgpack.Append(msgpack.AppendString(b, "pk_set"), e.newKeys)
	}
	return b, nil
}

// append encodes the map of these fields.
func (i *Instance) append(b []byte, names []string) ([]byte, error) {
	b = msgpack.AppendMap(b, len(names))
	for _, name := range names {
		var err error
		if b, err = msgpack.Append(msgpack.AppendString(b, name), i.values[i.find(name)]); err != nil {
			return nil, err
		}
	}
	return b, nil
}
