package directive

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/dns-orders/blocklist/plugin/signature"
)

// PublicKey parses a minisign public key. The value is the key or the path of a key file. A
// relative path starts at the given root.
func PublicKey(value, root string) (signature.Key, error) {
	if signature.IsKey(value) {
		return signature.ParseKey(value)
	}
	path, err := Absolute(value, root)
	if err != nil {
		return signature.Key{}, err
	}
	data, err := readKeyFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		_, noKey := signature.ParseKey(value)
		return signature.Key{}, fmt.Errorf("there is no file %s, and the text %w, got '%s'", path, noKey, value)
	}
	if err != nil {
		return signature.Key{}, fmt.Errorf("the key file %w, got '%s'", err, value)
	}
	k, err := signature.ParseKeyFile(data)
	if err != nil {
		return k, fmt.Errorf("the key file %w, got '%s'", err, value)
	}
	return k, nil
}

// A pipe is refused, because opening a pipe blocks.
func readKeyFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		return nil, errors.New("is not a regular file")
	}
	if err != nil {
		return nil, cannotRead(err)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, cannotRead(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, signature.MaxBytes+1))
	if err != nil {
		return nil, cannotRead(err)
	}
	return data, nil
}

func cannotRead(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	return fmt.Errorf("cannot be read: %w", err)
}
