package redisstore

import (
	"errors"
	"fmt"

	"github.com/klauspost/compress/zstd"

	"github.com/proxpulse/proxpulse/pulse/store"
)

// What the first byte of a kept value says about the others.
const (
	codecPlain = 0
	codecZstd  = 1
)

// compressFromBytes is the size from which compression is worth its time.
const compressFromBytes = 256

// errDamaged reports content that this package did not write.
var errDamaged = errors.New("what Redis holds is damaged")

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

// encode gives the form to keep, which does not share memory with value.
func (c codec) encode(value []byte) []byte {
	if len(value) >= compressFromBytes {
		packed := c.enc.EncodeAll(value, []byte{codecZstd})
		if len(packed) <= len(value)-len(value)/8 {
			return packed
		}
	}
	return append([]byte{codecPlain}, value...)
}

// decode gives a value of its own, never nil.
func (c codec) decode(kept string) ([]byte, error) {
	if kept == "" {
		return nil, fmt.Errorf("%w (it has no form)", errDamaged)
	}
	switch kept[0] {
	case codecPlain:
		return append([]byte{}, kept[1:]...), nil
	case codecZstd:
		value, err := c.dec.DecodeAll([]byte(kept[1:]), []byte{})
		if err != nil {
			return nil, fmt.Errorf("%w (%w)", errDamaged, err)
		}
		return value, nil
	}
	return nil, fmt.Errorf("%w (unknown form %d)", errDamaged, kept[0])
}
