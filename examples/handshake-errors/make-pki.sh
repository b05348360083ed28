#!/bin/sh
# Writes pki.ts: the certificates of the example, made with OpenSSL. The keys protect nothing.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
cd "$work"
touch index.txt
echo 01 > serial
echo 01 > crlnumber
cat > ca.cnf <<'CNF'
[ca]
default_ca = root
[root]
dir = .
database = index.txt
serial = serial
crlnumber = crlnumber
new_certs_dir = .
certificate = root.pem
private_key = root.key
default_md = sha256
policy = anything
unique_subject = no
[anything]
commonName = supplied
[root_extensions]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:server.example
authorityKeyIdentifier = keyid
[device]
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
authorityKeyIdentifier = keyid
CNF
key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key"; }
# name, key, subject, extensions, from, until, issuer
certificate() {
  openssl req -new -key "$2.key" -subj "/CN=$3" -out "$1.csr"
  openssl ca -batch -notext -config ca.cnf -in "$1.csr" -extensions "$4" -startdate "$5" -enddate "$6" -out "$1.pem" $7
}
key root
key other
key server
key device
START=20250101000000Z
END=20450101000000Z
certificate root root "Example Root" root_extensions $START $END "-selfsign"
certificate other other "Other Root" root_extensions $START $END "-selfsign -keyfile other.key"
certificate server server server.example server $START $END ""
certificate expired server server.example server $START 20251231000000Z ""
certificate purpose server server.example device $START $END ""
certificate revoked server server.example server $START $END ""
certificate device device sensor-1 device $START $END ""
certificate worn device sensor-1 device $START 20251231000000Z ""
certificate stranger device sensor-1 device $START $END "-cert other.pem -keyfile other.key"
openssl ca -config ca.cnf -revoke revoked.pem
openssl ca -config ca.cnf -gencrl -crl_lastupdate $START -crl_nextupdate $END -out crl.pem
{
  echo '// Made by make-pki.sh. The keys are published here: they protect nothing.'
  for name in root other server expired purpose revoked device worn stranger crl; do
    printf '\nexport const %s = `' "$name"
    cat "$name.pem"
    echo '`;'
  done
  for name in server device; do
    printf '\nexport const %sKey = `' "$name"
    cat "$name.key"
    echo '`;'
    printf '\nexport const %sPublic = `' "$name"
    openssl pkey -in "$name.key" -pubout
    echo '`;'
  done
} > "$here/pki.ts"
