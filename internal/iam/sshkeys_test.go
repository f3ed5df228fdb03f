package iam

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"math/big"
	"strings"
	"testing"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/identity"
)

func TestSSHPublicKeys(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	ctx, r := t.Context(), s.as("caller")
	upload := func(body string) (*api.UploadSSHPublicKeyOutput, error) {
		return s.UploadSSHPublicKey(ctx, s.view(), r, &api.UploadSSHPublicKeyInput{UserName: "plain", SSHPublicKeyBody: body})
	}
	der, err := x509.MarshalPKIXPublicKey(&rsaKey().PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	inPEM := block("PUBLIC KEY", der)
	k := ok2(upload(sshText(rsaKey()) + " someone@example.com"))(t).SSHPublicKey
	equal(t, "prefix of the id", arn.PrefixOf(k.SSHPublicKeyId), arn.PublicKeyID)
	equal(t, "body", k.SSHPublicKeyBody, sshText(rsaKey()))
	equal(t, "status", k.Status, "Active")
	equal(t, "colons of the fingerprint", strings.Count(k.Fingerprint, ":"), 15)
	for _, again := range []string{sshText(rsaKey()), inPEM} {
		_, err = upload(again)
		refused(t, err, identity.DuplicateSSHPublicKey, "The SSH public key is already associated with the specified IAM user.")
	}
	for encoding, want := range map[string]string{"SSH": sshText(rsaKey()), "PEM": inPEM} {
		got := ok2(s.GetSSHPublicKey(ctx, s.view(), r, &api.GetSSHPublicKeyInput{UserName: "plain", SSHPublicKeyId: k.SSHPublicKeyId, Encoding: encoding}))(t).SSHPublicKey
		equal(t, "body", got.SSHPublicKeyBody, want)
		equal(t, "fingerprint", got.Fingerprint, k.Fingerprint)
	}
	_, err = s.GetSSHPublicKey(ctx, s.view(), r, &api.GetSSHPublicKeyInput{UserName: "bob", SSHPublicKeyId: k.SSHPublicKeyId, Encoding: "SSH"})
	refused(t, err, identity.NoSuchEntity, "The SSH Public Key with id "+k.SSHPublicKeyId+" cannot be found.")
	ok2(s.UpdateSSHPublicKey(ctx, s.view(), r, &api.UpdateSSHPublicKeyInput{UserName: "plain", SSHPublicKeyId: k.SSHPublicKeyId, Status: "Inactive"}))(t)
	_, err = s.UpdateSSHPublicKey(ctx, s.view(), r, &api.UpdateSSHPublicKeyInput{UserName: "plain", SSHPublicKeyId: k.SSHPublicKeyId, Status: "Expired"})
	refused(t, err, identity.InvalidInput, "Status must be Active or Inactive")
	listed := ok2(s.ListSSHPublicKeys(ctx, s.view(), r, &api.ListSSHPublicKeysInput{UserName: new("plain")}))(t).SSHPublicKeys
	equal(t, "keys", len(listed), 1)
	equal(t, "status", listed[0].Status, "Inactive")
	_, err = s.DeleteUser(ctx, s.view(), r, &api.DeleteUserInput{UserName: "plain"})
	refused(t, err, identity.DeleteConflict, "Cannot delete entity, must remove referenced objects first.")
	ok2(s.DeleteSSHPublicKey(ctx, s.view(), r, &api.DeleteSSHPublicKeyInput{UserName: "plain", SSHPublicKeyId: k.SSHPublicKeyId}))(t)
	equal(t, "body in PEM", ok2(upload(inPEM))(t).SSHPublicKey.SSHPublicKeyBody, inPEM)

	u := s.mustUser("plain").Clone()
	for len(u.PublicKeys) < maxPublicKeys {
		u.PublicKeys = append(u.PublicKeys, u.PublicKeys[0])
	}
	s.put(u)
	_, err = upload(sshText(other()))
	refused(t, err, identity.LimitExceeded, "Cannot exceed quota for SSHPublicKeysPerUser: 5")
}

// The wire form is that of RFC 4253, section 6.6, with the numbers of RFC 4251, section 5.
func TestSSHEncoding(t *testing.T) {
	t.Parallel()
	key := &rsa.PublicKey{N: new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 2048), big.NewInt(1)), E: 65537}
	blob := sshBlob(key)
	want := append([]byte("\x00\x00\x00\x07ssh-rsa\x00\x00\x00\x03\x01\x00\x01\x00\x00\x01\x01\x00"), bytes.Repeat([]byte{0xff}, 256)...)
	if !bytes.Equal(blob, want) {
		t.Errorf("the blob is %x", blob)
	}
	back, err := parseSSHBlob(blob)
	if err != nil || back.N.Cmp(key.N) != 0 || back.E != key.E {
		t.Errorf("%v, %v", back, err)
	}
}

func TestWhatSSHKeysAreTaken(t *testing.T) {
	t.Parallel()
	const (
		invalid      = "The public key is malformed or otherwise invalid."
		unrecognized = "The public key encoding format is unsupported or unrecognized. The key must be in ssh-rsa or PEM format."
	)
	right := sshBlob(&rsaKey().PublicKey)
	text := func(blob []byte) string { return "ssh-rsa " + base64.StdEncoding.EncodeToString(blob) }
	part := func(parts ...[]byte) (out []byte) {
		for _, p := range parts {
			out = append(binary.BigEndian.AppendUint32(out, uint32(len(p))), p...)
		}
		return out
	}
	modulus := append([]byte{0}, rsaKey().N.Bytes()...)
	even := new(big.Int).Sub(rsaKey().N, big.NewInt(1))
	ec, err := x509.MarshalPKIXPublicKey(site().key.Public())
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, body string
		code       identity.Code // empty: taken
		message    string
	}{
		{"ssh-rsa", text(right), "", ""},
		{"with a comment of several words", text(right) + " a b c", "", ""},
		{"with white space around", "\n" + text(right) + "\n", "", ""},
		{"PKCS #1 in PEM", block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&rsaKey().PublicKey)), "", ""},
		{"another algorithm", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA==", identity.UnrecognizedPublicKeyEncoding, unrecognized},
		{"words", "my key", identity.UnrecognizedPublicKeyEncoding, unrecognized},
		{"not base64", "ssh-rsa ~~~~", identity.InvalidPublicKey, invalid},
		{"nothing behind the name", "ssh-rsa  \n", identity.UnrecognizedPublicKeyEncoding, unrecognized},
		{"cut", text(right[:len(right)-1]), identity.InvalidPublicKey, invalid},
		{"longer", text(append(bytes.Clone(right), 0)), identity.InvalidPublicKey, invalid},
		{"another name inside", text(part([]byte("ssh-dss"), []byte{1, 0, 1}, modulus)), identity.InvalidPublicKey, invalid},
		{"an exponent that is not in its only form", text(part([]byte("ssh-rsa"), []byte{0, 1, 0, 1}, modulus)), identity.InvalidPublicKey, invalid},
		{"an exponent beyond bounds", text(part([]byte("ssh-rsa"), bytes.Repeat([]byte{1}, 9), modulus)), identity.InvalidPublicKey, invalid},
		{"a negative modulus", text(part([]byte("ssh-rsa"), []byte{1, 0, 1}, rsaKey().N.Bytes())), identity.InvalidPublicKey, invalid},
		{"an even exponent", text(part([]byte("ssh-rsa"), []byte{1, 0, 0}, modulus)), identity.InvalidPublicKey, invalid},
		{"an even modulus", text(part([]byte("ssh-rsa"), []byte{1, 0, 1}, append([]byte{0}, even.Bytes()...))), identity.InvalidPublicKey, invalid},
		{"too small", text(part([]byte("ssh-rsa"), []byte{1, 0, 1}, bytes.Repeat([]byte{0x7f}, 255))), identity.InvalidPublicKey, invalid},
		{"too large", text(part([]byte("ssh-rsa"), []byte{1, 0, 1}, bytes.Repeat([]byte{0x7f}, 2050))), identity.InvalidPublicKey, invalid},
		{"an elliptic curve in PEM", block("PUBLIC KEY", ec), identity.InvalidPublicKey, invalid},
		{"a certificate in PEM", site().body, identity.InvalidPublicKey, invalid},
		{"a damaged PEM", "-----BEGIN PUBLIC KEY-----", identity.InvalidPublicKey, invalid},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			key, encoding, err := parseSSHKey(tt.body)
			if tt.code != "" {
				refused(t, err, tt.code, tt.message)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "encoding", encoding, map[bool]sshEncoding{true: encodingPEM, false: encodingSSH}[strings.Contains(tt.body, "BEGIN")])
			if !key.Equal(&rsaKey().PublicKey) {
				t.Error("another key was read")
			}
		})
	}
}

func FuzzSSHBlob(f *testing.F) {
	f.Add(sshBlob(&rsaKey().PublicKey))
	f.Add([]byte("\x00\x00\x00\x07ssh-rsa\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, blob []byte) {
		if key, err := parseSSHBlob(blob); err == nil && !bytes.Equal(sshBlob(key), blob) {
			t.Errorf("%x is read as %x", blob, sshBlob(key))
		}
	})
}
