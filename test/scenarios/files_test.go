package scenarios

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
)

func (s *scenario) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *scenario) version(args []string) (name string, data []byte) {
	s.t.Helper()
	full := args[len(args)-1]
	data = s.File(full)
	for _, option := range args[:len(args)-1] {
		switch option {
		case "-bom":
			data = append([]byte("\xef\xbb\xbf"), data...)
		case "-crlf":
			data = bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n"))
		default:
			s.t.Fatalf("no such option: %s", option)
		}
	}
	name, _, _ = strings.Cut(full, "#")
	return name, data
}

func (s *scenario) write(args []string) string {
	name, data := s.version(args)
	s.Put(name, data, s.clock.Now())
	s.noticed()
	return ""
}

func (s *scenario) rename(args []string) string {
	name, data := s.version(args)
	tmp := filepath.Join(filepath.Dir(name), ".tmp")
	s.Put(tmp, data, s.clock.Now())
	s.must(os.Rename(tmp, name))
	s.noticed()
	return ""
}

func (s *scenario) link(args []string) string {
	tmp := filepath.Join(filepath.Dir(args[0]), ".link")
	s.must(os.Symlink(args[1], tmp))
	s.must(os.Rename(tmp, args[0]))
	s.noticed()
	return ""
}

// move renames a file.
func (s *scenario) move(args []string) string {
	s.must(os.Rename(args[0], args[1]))
	s.noticed()
	return ""
}

func (s *scenario) remove(args []string) string {
	s.must(os.Remove(args[0]))
	s.noticed()
	return ""
}
