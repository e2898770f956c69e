package rig

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
)

// Fetch writes what a URL of a measured server gives, a profile mostly, to a file.
func Fetch(ctx context.Context, url, file string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	req.Close = true // it ends idle connections, too, and not always in time
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s %w", url, resp.Status, err)
	}
	return os.WriteFile(file, text, 0o644)
}
