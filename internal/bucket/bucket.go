// Package bucket stands in for Amazon S3 on this machine: a folder is a bucket, and
// its files are the objects. It answers s3:getObject, s3:putObject and
// s3:listObjectsV2, of Tasks and of distributed Maps that read items and write
// results. It knows nothing of the network.
package bucket

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// Set is folders by the names of the buckets that they stand for. Nothing outside of
// them is read or written, whatever a key says.
type Set map[string]*os.Root

// Open adds a bucket.
func (s Set) Open(name, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	s[name] = root
	return nil
}

// Close closes the folders.
func (s Set) Close() error {
	var all []error
	for _, root := range s {
		all = append(all, root.Close())
	}
	return errors.Join(all...)
}

// maxObject is how large an object may be that is read.
const maxObject = 1 << 30

// HandleTask answers a call of S3: engine.TaskHandler. An action that nothing here
// answers is an *engine.UnsupportedError.
func (s Set) HandleTask(ctx context.Context, t *engine.Task) (engine.Result, error) {
	name := t.TextParameter("Bucket")
	if name == "" {
		return engine.Result{}, t.RefuseParameters("The field 'Bucket' is required but was missing")
	}
	root := s[name]
	if root == nil {
		return engine.Result{}, failure("NoSuchBucket", "The specified bucket does not exist", 404, t)
	}
	call := map[string]func(*os.Root, *engine.Task) (value.Value, error){
		"getObject": get, "putObject": put, "listObjectsV2": list,
	}[t.Resource[strings.LastIndexByte(t.Resource, ':')+1:]]
	if call == nil {
		return engine.Result{}, &engine.UnsupportedError{Resource: t.Resource}
	}
	if err := ctx.Err(); err != nil {
		return engine.Result{}, err
	}
	v, err := call(root, t)
	if err != nil {
		return engine.Result{}, err
	}
	return engine.Result{Output: v.AppendJSON(nil)}, nil
}

// failure is an error of S3, worded as the SDK words it.
func failure(code, message string, status int, t *engine.Task) error {
	return engine.NewTaskError("S3."+code+"Exception", fmt.Sprintf("%s (Service: S3, Status Code: %d, Request ID: %s)", message, status, t.ID))
}

// key is the object's name as a path below the folder.
func key(t *engine.Task) (string, error) {
	k := t.TextParameter("Key")
	if k == "" {
		return "", t.RefuseParameters("The field 'Key' is required but was missing")
	}
	if !fs.ValidPath(k) {
		return "", failure("NoSuchKey", "The specified key does not exist.", 404, t)
	}
	return k, nil
}

func get(root *os.Root, t *engine.Task) (value.Value, error) {
	k, err := key(t)
	if err != nil {
		return value.Value{}, err
	}
	f, err := root.Open(k)
	if err != nil {
		return value.Value{}, failure("NoSuchKey", "The specified key does not exist.", 404, t)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return value.Value{}, failure("NoSuchKey", "The specified key does not exist.", 404, t)
	}
	if info.Size() > maxObject {
		return value.Value{}, fmt.Errorf("object %s is larger than %d MiB", k, maxObject>>20)
	}
	text, err := io.ReadAll(f)
	if err != nil {
		return value.Value{}, fmt.Errorf("read object %s: %w", k, err)
	}
	body, err := unpacked(text)
	if err != nil {
		return value.Value{}, fmt.Errorf("unpack object %s: %w", k, err)
	}
	if !utf8.Valid(body) {
		return value.Value{}, fmt.Errorf("object %s is no text, and Step Functions passes on nothing else", k)
	}
	return value.Object(
		value.Member{Key: "AcceptRanges", Value: value.String("bytes")},
		value.Member{Key: "Body", Value: value.String(string(body))},
		value.Member{Key: "ContentLength", Value: value.Int(int64(len(text)))},
		value.Member{Key: "ContentType", Value: value.String("binary/octet-stream")},
		value.Member{Key: "ETag", Value: value.String(tag(text))},
		value.Member{Key: "LastModified", Value: value.String(info.ModTime().UTC().Format("2006-01-02T15:04:05Z"))},
		value.Member{Key: "Metadata", Value: value.Object()},
	), nil
}

// unpacked is the text of an object that may be packed by gzip, as the files of an
// inventory are.
func unpacked(text []byte) ([]byte, error) {
	if !bytes.HasPrefix(text, []byte{0x1f, 0x8b}) {
		return text, nil
	}
	r, err := gzip.NewReader(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	out, err := io.ReadAll(io.LimitReader(r, maxObject+1))
	if err == nil && len(out) > maxObject {
		err = fmt.Errorf("more than %d MiB", maxObject>>20)
	}
	return out, err
}

// tag is S3's ETag of an object that was put in one piece.
func tag(text []byte) string {
	sum := md5.Sum(text)
	return `"` + hex.EncodeToString(sum[:]) + `"`
}

// put writes an object: a string as it is, all else as JSON.
func put(root *os.Root, t *engine.Task) (value.Value, error) {
	k, err := key(t)
	if err != nil {
		return value.Value{}, err
	}
	var text []byte
	if raw := t.Parameter("Body"); raw != nil {
		body, err := value.ParseBytes(raw)
		if err != nil {
			return value.Value{}, err
		}
		if s, ok := body.AsString(); ok {
			text = []byte(s)
		} else {
			text = raw
		}
	}
	if err := root.MkdirAll(path.Dir(k), 0o755); err != nil {
		return value.Value{}, fmt.Errorf("put object %s: %w", k, err)
	}
	if err := root.WriteFile(k, text, 0o644); err != nil {
		return value.Value{}, fmt.Errorf("put object %s: %w", k, err)
	}
	return value.Object(value.Member{Key: "ETag", Value: value.String(tag(text))}), nil
}

// object is a file in a listing.
type object struct {
	key string
	fs.FileInfo
}

// page is how many objects S3 lists in one answer.
const page = 1000

func list(root *os.Root, t *engine.Task) (value.Value, error) {
	prefix, after := t.TextParameter("Prefix"), cmp.Or(t.TextParameter("ContinuationToken"), t.TextParameter("StartAfter"))
	most := page
	if raw := t.Parameter("MaxKeys"); raw != nil {
		if v, err := value.ParseBytes(raw); err == nil {
			if n, ok := v.AsInt(); ok && n >= 0 && n < page {
				most = int(n)
			}
		}
	}
	objects, err := files(root, prefix)
	if err != nil {
		return value.Value{}, err
	}
	objects = slices.DeleteFunc(objects, func(o object) bool { return o.key <= after && after != "" })
	truncated := len(objects) > most
	if truncated {
		objects = objects[:most]
	}
	contents := make([]value.Value, len(objects))
	for i, o := range objects {
		if contents[i], err = o.listed(root); err != nil {
			return value.Value{}, err
		}
	}
	var b value.Builder
	if len(contents) > 0 {
		b.Set("Contents", value.Array(contents...))
	}
	b.Set("IsTruncated", value.Bool(truncated))
	b.Set("KeyCount", value.Int(int64(len(contents))))
	b.Set("MaxKeys", value.Int(int64(most)))
	b.Set("Name", value.String(t.TextParameter("Bucket")))
	if truncated && len(objects) > 0 {
		b.Set("NextContinuationToken", value.String(objects[len(objects)-1].key))
	}
	b.Set("Prefix", value.String(prefix))
	return b.Object(), nil
}

// files lists the regular files of the folder whose keys begin with prefix, in the
// order of their keys' bytes.
func files(root *os.Root, prefix string) ([]object, error) {
	var objects []object
	err := fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || !strings.HasPrefix(name, prefix) {
			return err
		}
		info, err := d.Info()
		objects = append(objects, object{name, info})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list objects: %w", err)
	}
	slices.SortFunc(objects, func(a, b object) int { return strings.Compare(a.key, b.key) })
	return objects, nil
}

func (o object) listed(root *os.Root) (value.Value, error) {
	text, err := root.ReadFile(o.key)
	if err != nil {
		return value.Value{}, fmt.Errorf("list object %s: %w", o.key, err)
	}
	return value.Object(
		value.Member{Key: "Etag", Value: value.String(tag(text))},
		value.Member{Key: "Key", Value: value.String(o.key)},
		value.Member{Key: "LastModified", Value: value.Int(o.ModTime().Unix())},
		value.Member{Key: "Size", Value: value.Int(o.Size())},
		value.Member{Key: "StorageClass", Value: value.String("STANDARD")},
	), nil
}
