package relying

import (
	"crypto/sha1" //nolint:gosec // S3's clients may choose it against accidents
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"hash/crc32"
	"hash/crc64"
)

// crc64NVME is the polynomial of CRC-64/NVME, reversed as package crc64 has it.
const crc64NVME = 0x9a6c9329ac4bc9b5

// checksum is a checksum in a trailer: of the decoded body, in base64.
type checksum struct {
	hash.Hash
}

// newChecksum makes the one of this trailer; nil if there is no such.
func newChecksum(trailer string) *checksum {
	switch trailer {
	case "x-amz-checksum-crc32":
		return &checksum{crc32.NewIEEE()}
	case "x-amz-checksum-crc32c":
		return &checksum{crc32.New(crc32.MakeTable(crc32.Castagnoli))}
	case "x-amz-checksum-crc64nvme":
		return &checksum{crc64.New(crc64.MakeTable(crc64NVME))}
	case "x-amz-checksum-sha1":
		return &checksum{sha1.New()} //nolint:gosec // see above
	case "x-amz-checksum-sha256":
		return &checksum{sha256.New()}
	}
	return nil
}

func (c *checksum) check(value string) error {
	if base64.StdEncoding.EncodeToString(c.Sum(nil)) != value {
		return badBody("BadDigest", "The checksum in the trailer did not match what we received.", "")
	}
	return nil
}
