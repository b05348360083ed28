import assert from 'node:assert/strict';
import {
  type Certificate,
  CertificateRefusedError,
  parseCertificate,
  parseRevocationList,
} from '../../../lib/crypto/index.ts';
import type { RevocationList } from '../../../lib/crypto/crl.ts';
import { OID } from '../../../lib/crypto/oids.ts';
import type { SignatureVerdict } from '../../../lib/crypto/trust/certificate-signature.ts';
import { checkRevocation } from '../../../lib/crypto/trust/revocation.ts';
import { FIXTURE_TIME, certificateDer, revocationListDer } from '../fixtures/fixtures.ts';

const path = (leaf: string): Certificate[] =>
  [leaf, 'inter', 'root'].map((name) => parseCertificate(certificateDer(name)));
const list: RevocationList = parseRevocationList(revocationListDer('inter-crl'));
const critical = (oid: string) => new Map([[oid, { oid, critical: true, value: new Uint8Array(0) }]]);

function outcome(
  lists: readonly RevocationList[],
  more: { leaf?: string; time?: number | undefined; verdict?: SignatureVerdict; path?: Certificate[] } = {},
): string {
  const time = 'time' in more ? more.time : FIXTURE_TIME;
  try {
    checkRevocation(more.path ?? path(more.leaf ?? 'server'), { lists, time }, () => more.verdict ?? 'valid');
    return 'OK';
  } catch (error) {
    assert.ok(error instanceof CertificateRefusedError, `${error}`);
    return `${error.reason}: ${error.message.replace(/^.*found /, '')}`;
  }
}

describe('revocation', () => {
  it('goes by what lists of the issuer say', () => {
    assert.equal(outcome([list]), 'OK');
    assert.match(outcome([list], { leaf: 'revoked' }), /^revoked: .*its issuer revoked it at /);
    assert.equal(
      outcome([parseRevocationList(revocationListDer('root-crl'))], { leaf: 'revoked' }),
      'OK',
      'of another',
    );
    const empty = { ...list, revoked: new Map<string, number>() };
    assert.match(outcome([empty, list], { leaf: 'revoked' }), /^revoked/, 'any of them');
  });

  it('refuses where no list of the issuer can be used', () => {
    const { nextUpdate } = list;
    assert.ok(nextUpdate !== undefined);
    assert.equal(outcome([list], { time: nextUpdate }), 'OK');
    assert.equal(outcome([list], { time: nextUpdate + 1 }), 'revocation-list: an outdated one');
    assert.equal(outcome([list], { time: list.thisUpdate - 1 }), 'revocation-list: one from the future');
    assert.equal(outcome([list], { time: undefined }), 'OK', 'without a clock any date will do');
    assert.match(outcome([list], { leaf: 'revoked', time: undefined }), /^revoked/);
    assert.equal(outcome([list], { verdict: 'invalid' }), 'revocation-list: one that the issuer did not sign');
    assert.equal(
      outcome([list], { verdict: 'unsupported' }),
      'revocation-list: one signed by an algorithm not allowed',
    );
  });

  it('does not take delta, partial and indirect lists for whole ones', () => {
    for (const oid of [OID.deltaCrlIndicator, OID.issuingDistributionPoint, '1.2.3.4']) {
      assert.match(
        outcome([{ ...list, extensions: critical(oid) }]),
        /^revocation-list: one with the critical extension/,
      );
    }
    const indirect = { ...list, criticalEntryExtensions: new Set<string>([OID.certificateIssuer]) };
    assert.match(outcome([indirect]), /^revocation-list: one with the critical entry extension 2.5.29.29/);
    assert.equal(outcome([indirect, list]), 'OK', 'but another one may do');
  });

  it('does not take lists of an issuer that may not sign them', () => {
    const [leaf, inter, root] = path('server') as [Certificate, Certificate, Certificate];
    const certSign = { ...inter, keyUsage: new Set(['keyCertSign'] as const) };
    assert.equal(
      outcome([list], { path: [leaf, certSign, root] }),
      'revocation-list: one whose issuer may not sign lists',
    );
    const unsaid = { ...inter, keyUsage: undefined };
    assert.equal(outcome([list], { path: [leaf, unsaid, root] }), 'OK');
  });
});
