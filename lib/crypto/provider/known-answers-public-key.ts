// Known answers for key agreement and signatures.

import { concatBytes, equalBytes, fromHex, utf8Encode } from '../../bytes/index.ts';
import type { NamedGroup } from './key-agreement.ts';
import type { CryptoProvider } from './provider.ts';
import { SPKI_PREFIX, type SignatureScheme } from './signatures.ts';

interface GroupAnswer {
  readonly source: string;
  readonly privateKey: string;
  readonly publicKey: string;
  readonly peerPublicKey: string;
  readonly secret: string;
  /** Of the right form, but none that may be agreed with. */
  readonly badPublicKey: string;
}

interface SignatureAnswer {
  readonly source: string;
  readonly spki: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: string;
  /** PKCS#8. There is none for RSA: a private key to test with would be all it is for. */
  readonly pkcs8?: string;
}

export const GROUP_ANSWERS: Readonly<Record<NamedGroup, GroupAnswer>> = {
  x25519: {
    source: 'RFC 7748 §6.1',
    privateKey: '77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a',
    publicKey: '8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a',
    peerPublicKey: 'de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f',
    secret: '4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742',
    badPublicKey: '00'.repeat(32),
  },
  secp256r1: {
    source: 'RFC 5903 §8.1',
    privateKey: 'c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433',
    publicKey:
      '04dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180' +
      '5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3',
    peerPublicKey:
      '04d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63' +
      '56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab',
    secret: 'd6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de',
    badPublicKey: '04' + '01'.repeat(64),
  },
  secp384r1: {
    source: 'RFC 5903 §8.2',
    privateKey: '099f3c7034d4a2c699884d73a375a67f7624ef7c6b3c0f160647b67414dce655e35b538041e649ee3faef896783ab194',
    publicKey:
      '04667842d7d180ac2cde6f74f37551f55755c7645c20ef73e31634fe72b4c55ee6de3ac808acb4bdb4c88732aee95f41aa' +
      '9482ed1fc0eeb9cafc4984625ccfc23f65032149e0e144ada024181535a0f38eeb9fcff3c2c947dae69b4c634573a81c',
    peerPublicKey:
      '04e558dbef53eecde3d3fccfc1aea08a89a987475d12fd950d83cfa41732bc509d0d1ac43a0336def96fda41d0774a3571' +
      'dcfbec7aacf3196472169e838430367f66eebe3c6e70c416dd5f0c68759dd1fff83fa40142209dff5eaad96db9e6386c',
    secret: '11187331c279962d93d604243fd592cb9d0a926f422e47187521287e7156c5c4d603135569b9e9d09cf5d4a270f59746',
    badPublicKey: '04' + '01'.repeat(96),
  },
};

const RSA_SOURCE = "RFC 8017 §8 in integers (Python's pow), a key drawn for this";
const RSA_SPKI = fromHex(
  '30820122300d06092a864886f70d01010105000382010f003082010a0282010100b371d3c25711eed6ae1ab053346d7e' +
    '8631ce7eca4974b79570dd6fd6a4d320003fa09ede5a9ac784edf2bda8c089bc4be0f73b91190713a609bb397faf80c9' +
    '3e3e3b1f28281788e46925f84fe426b999b6871e66d6e47d656d7be69d910334a7da7975fdda350b3822cc9298c8590b' +
    '8e63adb256e18a2f5b6e2d40b6acb706cb8693198f6bd845d4971f7718a6b299e79416d0843b8efdb1ceddc722eb9577' +
    '632d565d59918d491fcaa039e215e7a2208def35fcfcb880f1761d8af751e2ac85990cb084e04e25ae4bfa9fbce99100' +
    '02827e015a2d18e0e6adb67289e8a237f2cfdf53f3606c09a7a18604ac56d38359af71d162ef1128b06813ab729579e1' +
    'b90203010001',
);

const P256 = {
  spki: concatBytes(
    SPKI_PREFIX['ec-p256'],
    fromHex('0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6'),
    fromHex('7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299'),
  ),
  message: utf8Encode('sample'),
  pkcs8:
    '3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420' +
    'c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721',
} as const;

const P384 = {
  spki: concatBytes(
    SPKI_PREFIX['ec-p384'],
    fromHex('04ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e06aae5286b300c64def8f0ea9055866064a254515480bc13'),
    fromHex('8015d9b72d7d57244ea8ef9ac0c621896708a59367f9dfb9f54ca84b3f1c9db1288b231c3ae0d4fe7344fd2533264720'),
  ),
  message: utf8Encode('sample'),
  pkcs8:
    '304e020100301006072a8648ce3d020106052b81040022043730350201010430' +
    '6b9d3dad2e1b8c1c05b19875b6659f4de23c3b667bf297ba9aa47740787137d896d5724e4c70a825f872c9ea60d2edf5',
} as const;

export const SIGNATURE_ANSWERS: Readonly<Record<SignatureScheme, SignatureAnswer>> = {
  ecdsa_secp256r1_sha256: {
    ...P256,
    source: 'RFC 6979 appendix A.2.5',
    signature:
      '3046' +
      '022100efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716' +
      '022100f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8',
  },
  ecdsa_secp384r1_sha384: {
    ...P384,
    source: 'RFC 6979 appendix A.2.6',
    signature:
      '3066' +
      '02310094edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c81a648152e44acf96e36dd1e80fabe46' +
      '02310099ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94fa329c145786e679e7b82c71a38628ac8',
  },
  ecdsa_secp256r1_sha384: {
    ...P256,
    source: 'RFC 6979 appendix A.2.5',
    signature:
      '3044' +
      '02200eafea039b20e9b42309fb1d89e213057cbf973dc0cfc8f129edddc800ef7719' +
      '02204861f0491e6998b9455193e34e7b0d284ddd7149a74b95b9261f13abde940954',
  },
  ecdsa_secp384r1_sha256: {
    ...P384,
    source: 'RFC 6979 appendix A.2.6',
    signature:
      '3065' +
      '023021b13d1e013c7fa1392d03c5f99af8b30c570c6f98d4ea8e354b63a21d3daa33bde1e888e63355d92fa2b3c36d8fb2cd' +
      '023100f3aa443fb107745bf4bd77cb3891674632068a10ca67e3d45db2266fa7d1feebefdc63eccd1ac42ec0cb8668a4fa0ab0',
  },
  ed25519: {
    source: 'RFC 8032 §7.1, test 3',
    spki: concatBytes(SPKI_PREFIX.ed25519, fromHex('fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025')),
    message: fromHex('af82'),
    signature:
      '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac' +
      '18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
    pkcs8: '302e020100300506032b657004220420' + 'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
  },
  rsa_pss_rsae_sha256: {
    source: RSA_SOURCE,
    spki: RSA_SPKI,
    message: utf8Encode('sample'),
    signature:
      '40a41402d027557a20e99833167fa0a0350f4bbf54ecc0a2cd38ba1b3a8490d866b66f4f918a2a9f7b16c6cd7b7eec2f' +
      '12d5ab2dde0b434678c2dbaf9d2c1d16876b11d4b3fb037d03d80fb592541026b095eba9b08074b2f7ac3e2c82ab7ea2' +
      '055170c0e50467c566e0412fa3afbdd404ea5749b0074887e2b9355c62731b72f20db64bc2138c72c3dbc63c80344b76' +
      '7d20378bcb5bfedc3c3fc52f813eb6454c7d1a307659d25953abb4a185eab91967d21fc25e0ab686ec25fffa11ceddb7' +
      '8ac9bdc4d62523eb5cb6be50b44967c5560ba971907da423c973427ee465f9eb0077a861966cc132a49495627f0721a2' +
      'c72f01b256c619b1f34b13a1145f8247',
  },
  rsa_pss_rsae_sha384: {
    source: RSA_SOURCE,
    spki: RSA_SPKI,
    message: utf8Encode('sample'),
    signature:
      '53d5b8e433f6de91f69177a6d99bee8008bf7f1ad73873a90298943930da4faf2d5264773da75c3962c1965576e0cac6' +
      '8958416e6271e1a8a157bc30d3394f26ca53e0fe2a653443a260f8bbf503d70e958828f48524c0b6f8da65caa49ae9c4' +
      'd26b8cd788a2c59c9a3faa4c02dce557d9da154e7535f1e281f8e174d969da771fb409cec4e578cc209d74e48dc56a8b' +
      'dce6cfff670f6bd4fe07ce424d208c56af37f8d501a93d6bc384d63ffb9e58ad8b72ec847f5051b4f33a60b86b4bfbf3' +
      'e939066fd94a0d6c7fdc146c6b9fc00ba536e4816df81df532dd86e806245469d9182cde8849cb30011a13b8e03df274' +
      '9b96547a7970bfbdacc2bc41d2deeee7',
  },
  rsa_pss_rsae_sha512: {
    source: RSA_SOURCE,
    spki: RSA_SPKI,
    message: utf8Encode('sample'),
    signature:
      '2d11a0c04413f50fc809a6f2df673ed0cde75fdd77220752006ff7f36839df37f7cf84060387cac7a627e852837db213' +
      'f7d7fca101061f14538f50dd8edf5331fa003bab9abf5a6318e79d03ae7d3e2b0a280d1ead6bceda3ed3b23bf0e7c08c' +
      '915dc9598e236bbe0531ef3a533ac3371f2808b74c1884f6546e4defa3d738ef321bedbdb1d65f6df1f4777ff7518f67' +
      '0dc5472130e34bf331446b6ae808b2fee39ab46fe43862c3290751578c53cf804eb64b4d177d3067b4543e6739ea8c41' +
      '75cc13866d989cd89ae32f8dd47c59581494af70eef4ce70369ccd57cb981bf91688a7923a572ffe164df7a9d794e64b' +
      'bf64903d98a88e5c38b49159003ab19e',
  },
  rsa_pkcs1_sha256: {
    source: RSA_SOURCE,
    spki: RSA_SPKI,
    message: utf8Encode('sample'),
    signature:
      'aa8fcbec7f0c29d868969fa260a8177ee64f66e041dec867c35d2a955cbc27aaa0483f6d4438e8fdd17b51c0ae97345b' +
      '4b148d5abd8b0a331d9d0d2b5143c65063acf7bf135f6b31605c1895209f3f7b3e5c6977d1d1941715532031d617d742' +
      'fe3aa255ef0ed210ff728d7eec6aa371832e1108a61d24120e0131305bbaed3eb06f0f081690338190e1dc83e0a314a0' +
      'f79f297b13e1de1a8de08e69a46d88532fc04b827c8c63dd5d966f1f5d72d20ebebced3af814da004311d7476b1cd2d6' +
      '62f9c2e42b3df46506bdc52faa23e2266da33bbfdd68bd1b3d13798379448357693c5c0442e7a6dc1b8d5422faf46fee' +
      '52a1de27b77b56658ea528ccb823ec8e',
  },
  rsa_pkcs1_sha384: {
    source: RSA_SOURCE,
    spki: RSA_SPKI,
    message: utf8Encode('sample'),
    signature:
      '545e55c2384687497307c208bd1120fd534b2844c1c1fbe57047d92f178e2330164e0d639513bbf6be9ca76e2630fc82' +
      '2babc4edb48424d009df8cd5719b96dedb1bf950f7fd2ea2dc971ee34eabfe1a5faafc822f2ad8b8095fa9d65151dc65' +
      '6ef0b055df29789a9980a3c38c533426ef7269f289548b1ffdb4f5a523148a1c077c5063c90652dfc55f1f93798a2ee6' +
      '9e930213195323762e733510b0cf43c54b20956f04b3506270079f285231b32d9b9e85e68c1b303333124595b620233b' +
      '07cc4661f25367bb9763c218dbad913b6749e3570d84922c9e97bc08945c683f5948c0ac1390039d177f4dd219d7822b' +
      'caab224fd9427cf945894d95fa44f1d7',
  },
  rsa_pkcs1_sha512: {
    source: RSA_SOURCE,
    spki: RSA_SPKI,
    message: utf8Encode('sample'),
    signature:
      '4184af49d94699d6d18fee33d8fb43bdb9d4567bfcfccb26cd14a56e3aed68ecb25edf81c6855bf3d8c7bd692ff4a3e7' +
      '8006bf6d61b6c7c1b2494cef2f6d01fa6f02f436d66eee5d3bfd6f37dad34e8763efbd0d36bb5c7e9d538a06352e50ee' +
      '79958eb43913c733e60a841b1a20882d9b01fa16ef78dfb69726971fd2f2877bff6d16c424f10561b3debf3679b08737' +
      '736d945e1b921c3541343f908aa33e9174d4ffcc680839cb897d772225ef2668c94a82441d5387631bfee88ab3c4497e' +
      'f42a61f9efe23f89a17fb6ea8f81a4b5d1581581f4ac32095bff0a258a6585c36e580e6a6011e8e13cbaef4fb812119e' +
      'de7c899d7ea01eb65066e0c069759fb0',
  },
};

/** What went wrong, or undefined. */
export function keyAgreementFault(
  provider: CryptoProvider,
  group: NamedGroup,
  answer: GroupAnswer,
): string | undefined {
  const share = provider.keyAgreement(group).generate({ bytes: () => fromHex(answer.privateKey) });
  try {
    if (!equalBytes(share.publicKey, fromHex(answer.publicKey))) return 'public key differs';
    const secret = share.agree(fromHex(answer.peerPublicKey));
    if (secret === undefined || !equalBytes(secret, fromHex(answer.secret))) return 'shared secret differs';
    if (share.agree(fromHex(answer.badPublicKey)) !== undefined) return 'a bad public key was accepted';
    return share.agree(fromHex(answer.peerPublicKey).subarray(1)) === undefined
      ? undefined
      : 'a short key was accepted';
  } finally {
    share.destroy();
  }
}

/** What went wrong, or undefined. */
export function signatureFault(
  provider: CryptoProvider,
  scheme: SignatureScheme,
  { spki, message, signature, pkcs8 }: SignatureAnswer,
): string | undefined {
  const good = fromHex(signature);
  if (!provider.verify(scheme, spki, message, good)) return 'a good signature was refused';
  const forged = good.slice();
  forged[forged.length - 1]! ^= 0x01;
  if (provider.verify(scheme, spki, message, forged)) return 'a forged signature was accepted';
  if (provider.verify(scheme, spki, concatBytes(message, message), good)) return 'another message was accepted';
  if (pkcs8 === undefined) return undefined;
  const own = provider.sign(scheme, fromHex(pkcs8), message);
  return provider.verify(scheme, spki, message, own) ? undefined : 'its own signature is bad';
}
