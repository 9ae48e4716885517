package main

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"time"
)

// bootstrapName is what the runtime provided.al2023 starts.
const bootstrapName = "bootstrap"

// pack returns an archive that holds a program. Nothing of it depends on the time or the machine.
func pack(program []byte) ([]byte, error) {
	var out bytes.Buffer
	archive := zip.NewWriter(&out)
	archive.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestCompression)
	})
	header := &zip.FileHeader{Name: bootstrapName, Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)}
	header.SetMode(0o755)
	w, err := archive.CreateHeader(header)
	if err != nil {
		return nil, fmt.Errorf("pack %s: %w", bootstrapName, err)
	}
	if _, err := w.Write(program); err != nil {
		return nil, fmt.Errorf("pack %s: %w", bootstrapName, err)
	}
	if err := archive.Close(); err != nil {
		return nil, fmt.Errorf("pack %s: %w", bootstrapName, err)
	}
	return out.Bytes(), nil
}
