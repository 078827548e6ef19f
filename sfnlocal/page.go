package sfnlocal

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"hash/fnv"
	"slices"
)

// pageRequest is which part of a list is asked for.
type pageRequest struct {
	list    string // what the list is of: a token is good for one list only
	max     int32
	token   *string
	reverse bool // the greatest key first
}

// mark is what a nextToken holds: where the next page begins. It is a key and not
// an index, so that what is created meanwhile does not shift the pages.
type mark struct {
	List uint64 `json:"l"`
	Key  int64  `json:"k"`
}

var errPageToken = &apiError{"InvalidToken", "Invalid Token: 'Invalid token'"}

const usualPage = 100

// page takes a page out of items, which key orders.
func page[T any](items []T, key func(T) int64, r pageRequest) ([]T, *string, error) {
	sorted := slices.Clone(items)
	slices.SortStableFunc(sorted, func(a, b T) int {
		if r.reverse {
			a, b = b, a
		}
		return cmp.Compare(key(a), key(b))
	})
	if r.token != nil {
		at, err := r.mark()
		if err != nil {
			return nil, nil, err
		}
		sorted = slices.DeleteFunc(sorted, func(item T) bool {
			return key(item) < at.Key && !r.reverse || key(item) > at.Key && r.reverse
		})
	}
	size := int(r.max)
	if size == 0 {
		size = usualPage
	}
	if len(sorted) <= size {
		return sorted, nil, nil
	}
	text, _ := json.Marshal(mark{r.hash(), key(sorted[size])})
	next := base64.RawURLEncoding.EncodeToString(text)
	return sorted[:size], &next, nil
}

func (r pageRequest) mark() (m mark, err error) {
	text, err := base64.RawURLEncoding.DecodeString(*r.token)
	if err != nil || json.Unmarshal(text, &m) != nil || m.List != r.hash() {
		return m, errPageToken
	}
	return m, nil
}

func (r pageRequest) hash() uint64 {
	h := fnv.New64a()
	h.Write([]byte(r.list))
	if r.reverse {
		h.Write([]byte{1})
	}
	return h.Sum64()
}
