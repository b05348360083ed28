import assert from 'node:assert/strict';
import {
  type Certificate,
  CertificateRefusedError,
  parseCertificate,
  parseIpAddress,
} from '../../../lib/crypto/index.ts';
import { checkNameConstraints } from '../../../lib/crypto/trust/name-constraints.ts';
import type { DistinguishedName, GeneralName } from '../../../lib/crypto/x509-name.ts';
import { certificateDer } from '../fixtures/fixtures.ts';

const base: Certificate = parseCertificate(certificateDer('server'));
const NOBODY: DistinguishedName = { der: Uint8Array.of(0x30, 0), canonical: [], commonNames: [], emailAddresses: [] };

const dns = (value: string): GeneralName => ({ kind: 'dns', value });
const email = (value: string): GeneralName => ({ kind: 'email', value });
const uri = (value: string): GeneralName => ({ kind: 'uri', value });
const ip = (...texts: string[]): GeneralName => ({
  kind: 'ip',
  value: Uint8Array.from(texts.flatMap((text) => [...parseIpAddress(text)!])),
});
const directory = (...canonical: string[]): GeneralName => ({
  kind: 'directory',
  value: { ...NOBODY, der: new Uint8Array(canonical.length), canonical },
});

interface Constraints {
  readonly permitted?: readonly GeneralName[];
  readonly excluded?: readonly GeneralName[];
}

function allowed(names: readonly GeneralName[], constraints: Constraints, leaf: Partial<Certificate> = {}): boolean {
  const certificate = { ...base, subject: NOBODY, subjectAltName: names, ...leaf };
  const nameConstraints = { permitted: constraints.permitted ?? [], excluded: constraints.excluded ?? [] };
  try {
    checkNameConstraints([certificate, { ...base, nameConstraints }]);
    return true;
  } catch (error) {
    assert.ok(error instanceof CertificateRefusedError && error.reason === 'name-constraints', `${error}`);
    return false;
  }
}

describe('name constraints (RFC 5280 §4.2.1.10)', () => {
  it('hold for hosts', () => {
    const permitted = [dns('host.example.com')];
    for (const good of ['host.example.com', 'my.host.example.com', 'HOST.example.com.']) {
      assert.equal(allowed([dns(good)], { permitted }), true, good);
    }
    for (const bad of ['example.com', 'myhost.example.com', 'host.example.com.evil']) {
      assert.equal(allowed([dns(bad)], { permitted }), false, bad);
    }
    assert.equal(allowed([dns('a.example.com')], { permitted: [dns('.example.com')] }), true);
    assert.equal(allowed([dns('example.com')], { permitted: [dns('.example.com')] }), false);
    assert.equal(allowed([dns('anything')], { excluded: [dns('')] }), false);
    assert.equal(
      allowed([dns('*.example.com')], { excluded: [dns('bad.example.com')] }),
      false,
      'a wildcard could mean it',
    );
    assert.equal(allowed([dns('*.example.com')], { permitted: [dns('example.com')] }), true);
    assert.equal(allowed([dns('*.com')], { permitted: [dns('example.com')] }), false);
  });

  it('hold for every name, not for one of them', () => {
    assert.equal(allowed([dns('a.example'), dns('b.example')], { permitted: [dns('a.example')] }), false);
    assert.equal(
      allowed([dns('a.example'), dns('b.example')], { permitted: [dns('a.example'), dns('b.example')] }),
      true,
    );
  });

  it('bind the kinds of name they have', () => {
    assert.equal(allowed([ip('192.0.2.1')], { permitted: [dns('a.example')] }), true);
    assert.equal(allowed([ip('10.1.2.3')], { permitted: [ip('10.0.0.0', '255.0.0.0')] }), true);
    assert.equal(allowed([ip('11.1.2.3')], { permitted: [ip('10.0.0.0', '255.0.0.0')] }), false);
    assert.equal(allowed([ip('2001:db8::1')], { permitted: [ip('10.0.0.0', '255.0.0.0')] }), false);
    assert.equal(allowed([ip('2001:db8::1')], { permitted: [ip('2001:db8::', 'ffff:ffff::')] }), true);
    assert.equal(allowed([ip('10.1.2.3')], { excluded: [ip('10.0.0.0', '255.0.0.0')] }), false);
  });

  it('hold for mailboxes and URIs', () => {
    assert.equal(allowed([email('a@host.example')], { permitted: [email('host.example')] }), true);
    assert.equal(allowed([email('a@x.host.example')], { permitted: [email('host.example')] }), false);
    assert.equal(allowed([email('a@x.host.example')], { permitted: [email('.host.example')] }), true);
    assert.equal(allowed([email('a@HOST.example')], { permitted: [email('a@host.example')] }), true);
    assert.equal(allowed([email('A@host.example')], { permitted: [email('a@host.example')] }), false);
    assert.equal(allowed([uri('https://host.example/x')], { permitted: [uri('host.example')] }), true);
    assert.equal(allowed([uri('https://u@x.host.example:8/x')], { permitted: [uri('.host.example')] }), true);
    assert.equal(allowed([uri('urn:x:y')], { permitted: [uri('host.example')] }), false);
    assert.equal(allowed([uri('urn:x:y')], { excluded: [uri('host.example')] }), false, 'in doubt');
    const subject = { ...NOBODY, canonical: ['x'], emailAddresses: ['a@evil.example'] };
    assert.equal(allowed([], { permitted: [email('host.example')] }, { subject }), false);
  });

  it('hold for subjects, by what their names begin with', () => {
    const permitted = [directory('c=de', 'o=us')];
    const subject = (...canonical: string[]) => ({ subject: { ...NOBODY, der: new Uint8Array(9), canonical } });
    assert.equal(allowed([], { permitted }, subject('c=de', 'o=us', 'cn=x')), true);
    assert.equal(allowed([], { permitted }, subject('c=de', 'o=them')), false);
    assert.equal(allowed([], { permitted }, subject('c=de')), false);
    assert.equal(allowed([], { excluded: permitted }, subject('c=de', 'o=us', 'cn=x')), false);
    assert.equal(allowed([directory('c=fr')], { permitted }), false, 'alternative names too');
  });

  it('refuse names of a kind that is constrained and not understood', () => {
    const other: GeneralName = { kind: 'other', alternative: 0 };
    assert.equal(allowed([other], { permitted: [other] }), false);
    assert.equal(allowed([other], { excluded: [{ kind: 'other', alternative: 8 }] }), true);
  });

  it('are not compared without end', () => {
    const many = Array.from({ length: 1000 }, (_, i) => dns(`${i}.example`));
    assert.equal(allowed(many.slice(0, 100), { permitted: many }), true);
    assert.equal(allowed(many, { permitted: many }), false);
  });

  it('hold for a common name that could be matched as host', () => {
    const subject = { ...NOBODY, canonical: ['cn=x'], commonNames: ['evil.example'] };
    assert.equal(allowed([], { permitted: [dns('a.example')] }, { subject }), false);
  });
});
