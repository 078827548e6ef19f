package value

import "slices"

// Member is one key of an object with its value.
type Member struct {
	Key   string
	Value Value

	rawKey string // the key as written between its quotes, where that differs
}

// object keeps its members in order. Small ones are searched one by one; larger
// ones have an index from the start, so that reading never writes.
type object struct {
	members []Member
	index   map[string]int
	size    int
}

const indexFrom = 17 // members from which a map is worth its making

func newObject(members []Member) Value {
	o := &object{members: members, size: 2}
	if len(members) > 1 {
		o.size += len(members) - 1
	}
	if len(members) >= indexFrom {
		o.index = make(map[string]int, len(members))
	}
	for i := range members {
		m := &members[i]
		o.size += m.keySize() + 1 + m.Value.Size()
		if o.index != nil {
			o.index[m.Key] = i
		}
	}
	return Value{p: o}
}

func (m *Member) keySize() int {
	if m.rawKey != "" {
		return len(m.rawKey) + 2
	}
	return len(m.Key) + 2
}

func member(key string, v Value) Member {
	m := Member{Key: key, Value: v}
	if !plain(key) {
		m.rawKey = string(appendEscaped(nil, key))
	}
	return m
}

func (o *object) find(key string) int {
	if o.index != nil {
		if i, ok := o.index[key]; ok {
			return i
		}
		return -1
	}
	for i := range o.members {
		if o.members[i].Key == key {
			return i
		}
	}
	return -1
}

// Object returns a JSON object with members in the given order. Of members with
// the same key the last one counts, at the place of the first.
func Object(members ...Member) Value {
	var b Builder
	b.members = make([]Member, 0, len(members))
	for _, m := range members {
		b.Set(m.Key, m.Value)
	}
	return b.Object()
}

// Get returns the member named key of an object, and whether it is there.
func (v Value) Get(key string) (Value, bool) {
	o, ok := v.p.(*object)
	if !ok {
		return Value{}, false
	}
	if i := o.find(key); i >= 0 {
		return o.members[i].Value, true
	}
	return Value{}, false
}

// Members returns the members of an object in order, nil for anything else. The
// slice is shared and must not be changed.
func (v Value) Members() []Member {
	if o, ok := v.p.(*object); ok {
		return o.members
	}
	return nil
}

// With returns the object v with key set to val: in its place where the key is
// there, else at the end. v stays as it is; an absent v counts as an empty object.
func (v Value) With(key string, val Value) Value {
	o, ok := v.p.(*object)
	if !ok {
		return newObject([]Member{member(key, val)})
	}
	i := o.find(key)
	if i < 0 {
		members := make([]Member, len(o.members), len(o.members)+1)
		copy(members, o.members)
		return newObject(append(members, member(key, val)))
	}
	members := make([]Member, len(o.members))
	copy(members, o.members)
	old := members[i].Value
	members[i].Value = val
	// Same keys at the same places: the index still holds.
	return Value{p: &object{members: members, index: o.index, size: o.size - old.Size() + val.Size()}}
}

// Without returns the object v without the member named key; v stays as it is.
func (v Value) Without(key string) Value {
	o, ok := v.p.(*object)
	if !ok {
		return v
	}
	i := o.find(key)
	if i < 0 {
		return v
	}
	members := make([]Member, 0, len(o.members)-1)
	members = append(append(members, o.members[:i]...), o.members[i+1:]...)
	return newObject(members)
}

// Builder makes an object member by member. The zero Builder is ready to use; it
// must not be used again after Object.
type Builder struct {
	members []Member
	index   map[string]int
}

// Grow makes room for n members.
func (b *Builder) Grow(n int) { b.members = slices.Grow(b.members, n) }

// Set gives key a value: in its place where the key is there, else at the end.
func (b *Builder) Set(key string, v Value) { b.set(member(key, v)) }

func (b *Builder) set(m Member) {
	if i := b.find(m.Key); i >= 0 {
		b.members[i].Value = m.Value
		return
	}
	if b.index == nil && len(b.members) == indexFrom {
		b.index = make(map[string]int, 2*indexFrom)
		for i := range b.members {
			b.index[b.members[i].Key] = i
		}
	}
	if b.index != nil {
		b.index[m.Key] = len(b.members)
	}
	b.members = append(b.members, m)
}

func (b *Builder) find(key string) int {
	if b.index != nil {
		if i, ok := b.index[key]; ok {
			return i
		}
		return -1
	}
	for i := range b.members {
		if b.members[i].Key == key {
			return i
		}
	}
	return -1
}

// Get returns what key was last set to.
func (b *Builder) Get(key string) (Value, bool) {
	if i := b.find(key); i >= 0 {
		return b.members[i].Value, true
	}
	return Value{}, false
}

// Len returns the number of members so far.
func (b *Builder) Len() int { return len(b.members) }

// Object returns the object built.
func (b *Builder) Object() Value {
	if b.index == nil || len(b.members) < indexFrom {
		return newObject(b.members)
	}
	o := &object{members: b.members, index: b.index, size: 1 + len(b.members)}
	for i := range o.members {
		o.size += o.members[i].keySize() + 1 + o.members[i].Value.Size()
	}
	return Value{p: o}
}

// NewMember returns a member for Distinct.
func NewMember(key string, v Value) Member { return member(key, v) }

// Distinct is Object for members that NewMember made and whose keys are known to
// differ. The slice is handed over.
func Distinct(members []Member) Value { return newObject(members) }
