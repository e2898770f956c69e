package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"math/bits"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

const (
	// C2SP's tlog-tiles requires the height 8.
	tileHeight = 8
	tileWidth  = 1 << tileHeight
)

// A tree is the right edge of the Merkle tree (RFC 6962, section 2.1). It has only the hashes of
// the incomplete tiles.
type tree struct {
	size int64
	edge [][]tlog.Hash
}

type fullTile struct {
	tile   tlog.Tile
	hashes []tlog.Hash
}

func (t *tree) add(h tlog.Hash) (full []fullTile) {
	t.size++
	for level := 0; ; level++ {
		if level == len(t.edge) {
			t.edge = append(t.edge, make([]tlog.Hash, 0, tileWidth))
		}
		t.edge[level] = append(t.edge[level], h)
		if len(t.edge[level]) < tileWidth {
			return full
		}
		n := t.size>>(tileHeight*(level+1)) - 1
		full = append(full, fullTile{tlog.Tile{H: tileHeight, L: level, N: n, W: tileWidth}, t.edge[level]})
		h = treeHash(t.edge[level])
		t.edge[level] = make([]tlog.Hash, 0, tileWidth)
	}
}

// The tree must not be empty.
func (t *tree) root() (root tlog.Hash) {
	first := true
	for _, hashes := range t.edge {
		for n := len(hashes); n > 0; n &= n - 1 {
			begin := n & (n - 1)
			h := treeHash(hashes[begin:n])
			if first {
				root, first = h, false
			} else {
				root = tlog.NodeHash(h, root)
			}
		}
	}
	return root
}

func treeHash(leaves []tlog.Hash) tlog.Hash {
	if len(leaves) == 1 {
		return leaves[0]
	}
	left := 1 << (bits.Len(uint(len(leaves)-1)) - 1)
	return tlog.NodeHash(treeHash(leaves[:left]), treeHash(leaves[left:]))
}

func (t *tree) partial() (out []fullTile) {
	for level, hashes := range t.edge {
		if len(hashes) > 0 {
			n := t.size >> (tileHeight * (level + 1))
			out = append(out, fullTile{tlog.Tile{H: tileHeight, L: level, N: n, W: len(hashes)}, hashes})
		}
	}
	return out
}

// TilePath returns the path of a tile as in C2SP tlog-tiles. The paths of package tlog also contain
// the height.
func TilePath(t tlog.Tile) string {
	return "tile/" + strings.TrimPrefix(t.Path(), fmt.Sprintf("tile/%d/", tileHeight))
}

func tileBytes(hashes []tlog.Hash) []byte {
	out := make([]byte, 0, len(hashes)*tlog.HashSize)
	for _, h := range hashes {
		out = append(out, h[:]...)
	}
	return out
}

// A tile may have grown. The wider tile begins with the same hashes.
func readTile(dir string, t tlog.Tile) ([]byte, error) {
	want := t.W * tlog.HashSize
	for w := t.W; w <= tileWidth; w++ {
		t.W = w
		data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(TilePath(t))))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if len(data) != w*tlog.HashSize {
			return nil, fmt.Errorf("%s: has %d bytes, want %d", TilePath(t), len(data), w*tlog.HashSize)
		}
		return data[:want], nil
	}
	return nil, fmt.Errorf("%s: %w", TilePath(t), fs.ErrNotExist)
}

func readTree(dir string, size int64, root tlog.Hash) (*tree, error) {
	t := &tree{size: size}
	for level := 0; size>>(tileHeight*level) > 0; level++ {
		hashes := make([]tlog.Hash, 0, tileWidth)
		if w := int(size >> (tileHeight * level) % tileWidth); w > 0 {
			data, err := readTile(dir, tlog.Tile{H: tileHeight, L: level, N: size >> (tileHeight * (level + 1)), W: w})
			if err != nil {
				return nil, err
			}
			for ; len(data) > 0; data = data[tlog.HashSize:] {
				hashes = append(hashes, tlog.Hash(data[:tlog.HashSize]))
			}
		}
		t.edge = append(t.edge, hashes)
	}
	if size > 0 && t.root() != root {
		return nil, fmt.Errorf("the tiles do not have the signed root of %d records", size)
	}
	return t, nil
}

// A tileReader reads tiles for tlog.TileHashReader.
type tileReader struct{ dir string }

func (tileReader) Height() int { return tileHeight }

// ReadTiles reads the tiles. tlog.TileHashReader authenticates the tiles.
func (r tileReader) ReadTiles(tiles []tlog.Tile) (out [][]byte, err error) {
	for _, t := range tiles {
		data, err := readTile(r.dir, t)
		if err != nil {
			return nil, err
		}
		out = append(out, data)
	}
	return out, nil
}

func (tileReader) SaveTiles([]tlog.Tile, [][]byte) {}
