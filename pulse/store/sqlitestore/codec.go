package sqlitestore

import (
	"fmt"

	"github.com/klauspost/compress/zstd"

	"github.com/proxpulse/proxpulse/pulse/store"
)

// How a value is kept, in the column codec.
const (
	codecPlain = 0
	codecZstd  = 1
)

// compressFromBytes is the size from which compression can save a page.
const compressFromBytes = 1 << 10

// codec compresses values. It is safe for concurrent use.
type codec struct {
	enc *zstd.Encoder
	dec *zstd.Decoder
}

func newCodec() (codec, error) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
		zstd.WithWindowSize(1<<20), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return codec{}, err
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxMemory(store.MaxValueBytes))
	if err != nil {
		return codec{}, err
	}
	return codec{enc: enc, dec: dec}, nil
}

func (c codec) close() {
	if c.enc != nil {
		_ = c.enc.Close() // it wrote to no writer
		c.dec.Close()
	}
}

// encode gives the form to keep, never nil, which may be value itself.
func (c codec) encode(value []byte) (kind int, data []byte) {
	if len(value) < compressFromBytes {
		return codecPlain, append([]byte{}, value...)
	}
	packed := c.enc.EncodeAll(value, nil)
	if len(packed) > len(value)-len(value)/8 {
		return codecPlain, value
	}
	return codecZstd, packed
}

// decode gives a value of its own.
func (c codec) decode(kind int, data []byte) ([]byte, error) {
	switch kind {
	case codecPlain:
		return append([]byte{}, data...), nil
	case codecZstd:
		value, err := c.dec.DecodeAll(data, nil)
		if err != nil {
			return nil, fmt.Errorf("a value of the file %w (%w)", ErrDamaged, err)
		}
		return value, nil
	}
	return nil, fmt.Errorf("a value of the file %w (unknown form %d)", ErrDamaged, kind)
}
