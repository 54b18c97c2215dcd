package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
)

// get fetches a URL; anything but 200 is an error.
func get(ctx context.Context, c *http.Client, url string) ([]byte, error) {
	return call(ctx, c, http.MethodGet, url, "", nil)
}

// call sends one request and returns the body; a status of 300 or more is an error.
func call(ctx context.Context, c *http.Client, method, url, contentType string, body []byte) ([]byte, error) {
	header := http.Header{}
	if contentType != "" {
		header.Set("Content-Type", contentType)
	}
	return callWith(ctx, c, method, url, header, body)
}

// callWith is call with any header.
func callWith(ctx context.Context, c *http.Client, method, url string, header http.Header, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header = header
	resp, err := c.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode >= 300 {
		return nil, fmt.Errorf("%s %s: %s", method, url, resp.Status)
	}
	return data, nil
}
