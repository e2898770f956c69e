package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/signature"
)

// keygenCmd contains the arguments of the command blocklistctl keygen.
type keygenCmd struct {
	Secret        string `arg:"" help:"The file for the secret key."`
	Public        string `placeholder:"FILE" help:"The file for the public key. The default is SECRET.pub."`
	NoPassword    bool   `help:"Do not encrypt the secret key. Anyone who can read the file can then sign."`
	passwordFlags `embed:""`
}

// Help returns the long help of blocklistctl keygen.
func (*keygenCmd) Help() string {
	return `keygen makes a pair of keys in the files of minisign. The secret key signs order files. Its file can be read by its owner only, and a password encrypts it. The public key is for the property verify of the Corefile. keygen does not replace a file.

Each person who signs needs a key of their own. Use the key for order files only, and keep the secret key away from servers.

Example:

  blocklistctl keygen desk.key`
}

// keygenJSON is the output of keygen with --json.
type keygenJSON struct {
	Key        string `json:"key"`
	PublicKey  string `json:"public_key"`
	SecretFile string `json:"secret_file"`
	PublicFile string `json:"public_file"`
	Encrypted  bool   `json:"encrypted"`
}

func (c *keygenCmd) Run(e *env) error {
	if c.NoPassword && c.PasswordFile != "" {
		return misuse("--no-password and --password-file exclude each other")
	}
	if c.Public == "" {
		c.Public = c.Secret + ".pub"
	}
	// Refuse existing files before the person types the password.
	for _, path := range []string{c.Secret, c.Public} {
		if _, err := os.Lstat(path); err == nil {
			return fmt.Errorf("%s: exists already, and a key is never replaced; remove the file or choose another name", path)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	password := ""
	if !c.NoPassword {
		var err error
		if password, err = c.password(e, c.Secret, true); err != nil {
			return err
		}
		e.sayOnTerminal("encrypting the key, which takes some seconds and 1 GiB of memory")
	}
	secret, err := signature.Generate()
	if err != nil {
		return err
	}
	text, err := secret.Encode(password)
	if err != nil {
		return err
	}
	key := secret.Public()
	if err := createFile(c.Secret, text, 0o600); err != nil {
		return err
	}
	if err := createFile(c.Public, key.EncodePublic(), 0o644); err != nil {
		return errors.Join(err, os.Remove(c.Secret))
	}
	if e.json {
		return e.writeJSON(keygenJSON{key.ID().String(), key.String(), c.Secret, c.Public, password != ""})
	}
	how := "encrypted with the password"
	if password == "" {
		how = "not encrypted"
	}
	_, err = fmt.Fprintf(e.stdout, "%s: the secret key %s, %s\n%s: the public key %s\n",
		printable.Line(c.Secret), key.ID(), how, printable.Line(c.Public), key)
	return err
}

func createFile(path string, data []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

func (e *env) sayOnTerminal(text string) {
	if e.progress.w != nil {
		e.say("%s", text)
	}
}
