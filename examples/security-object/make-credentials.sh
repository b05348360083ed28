#!/usr/bin/env bash
# Makes the test credentials in credentials/ with OpenSSL 3: a CA, a server, a device named sensor-1, and a stranger that
# looks like the server. They protect nothing: their private keys are public. Valid for a hundred years, so that this
# example does not stop working; a real device's certificate should not be.
set -eu
cd "$(dirname "$0")/credentials"

key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key"; }

self_signed() { # name, subject, extensions
  key "$1"
  openssl req -x509 -new -key "$1.key" -subj "$2" -days 36500 -out "$1.pem" -config <(printf '[req]\ndistinguished_name=dn\nx509_extensions=x\n[dn]\n[x]\n%b' "$3")
}

by_ca() { # name, subject, extensions
  key "$1"
  openssl req -new -key "$1.key" -subj "$2" -out "$1.csr"
  openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -days 36500 -out "$1.pem" -extfile <(printf '%b' "$3")
  openssl pkey -in "$1.key" -pubout -out "$1.pub"
  rm "$1.csr"
}

IDS='subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n'
LEAF="basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n$IDS"
CA='basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n'
SERVER="${LEAF}extendedKeyUsage=serverAuth\nsubjectAltName=DNS:localhost,IP:127.0.0.1\n"
self_signed ca /CN=example-ca "$CA"
by_ca server /CN=server "$SERVER"
by_ca device /CN=sensor-1 "${LEAF}extendedKeyUsage=clientAuth\n"
self_signed stranger /CN=server 'basicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth\nsubjectAltName=DNS:localhost,IP:127.0.0.1\n'
rm ca.key
mkdir -p trust
cp ca.pem trust/ca.pem # a trust store of one authority
echo 000102030405060708090a0b0c0d0e0f >psk.hex
