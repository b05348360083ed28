// tshark as a judge of what was on the wire: reads a recording and decrypts it with an NSS key log.

import { run } from './process.ts';

const FIELDS = [
  'dtls.record.content_type',
  'coap.type',
  'coap.code',
  'coap.opt.uri_path_recon',
  'coap.payload_desc',
] as const;

/** One packet as tshark understands it; a field it does not find is the empty string. */
export interface Dissected {
  readonly protocols: string;
  readonly coapType: string;
  /** E.g. `1` for GET, `69` for 2.05. */
  readonly coapCode: string;
  readonly coapPath: string;
  readonly info: string;
}

/** Dissects CoAP over DTLS on `port`. @throws Error with tshark's own words */
export async function dissect(recording: string, port: number, keyLogFile?: string): Promise<Dissected[]> {
  const columns = ['frame.protocols', ...FIELDS.slice(1, 4), '_ws.col.Info'].flatMap((field) => ['-e', field]);
  const decode = ['-d', `udp.port==${port},dtls`, '-d', `dtls.port==${port},coap`];
  const keys = keyLogFile === undefined ? [] : ['-o', `tls.keylog_file:${keyLogFile}`];
  const args = ['-n', '-r', recording, ...decode, ...keys, '-T', 'fields', '-E', 'separator=|', ...columns];
  const { code, output } = await run('tshark', args, { limit: 60_000 });
  if (code !== 0) throw new Error(`tshark: ${output}`);
  const lines = output.split('\n').filter((line) => /^raw:|^ip:/.test(line) || line.includes(':udp:'));
  return lines.map((line) => {
    const [protocols = '', coapType = '', coapCode = '', coapPath = '', ...info] = line.split('|');
    return { protocols, coapType, coapCode, coapPath, info: info.join('|') };
  });
}

/** What tshark makes of each packet's IP and UDP checksums, in words: `Good`, `Bad`, `Unverified`. */
export async function checksums(recording: string): Promise<string[]> {
  const check = ['-o', 'ip.check_checksum:TRUE', '-o', 'udp.check_checksum:TRUE'];
  const fields = ['-T', 'fields', '-E', 'separator=|', '-e', 'ip.checksum.status', '-e', 'udp.checksum.status'];
  const { code, output } = await run('tshark', ['-n', '-r', recording, ...check, ...fields], { limit: 60_000 });
  if (code !== 0) throw new Error(`tshark: ${output}`);
  return output.split('\n').filter((line) => line.includes('|'));
}

/** The connection ids in the records on `port`, as tshark tells them from the hellos: hex, packet by packet; '' where there is none. */
export async function connectionIds(recording: string, port: number): Promise<string[]> {
  const fields = ['-T', 'fields', '-E', 'separator=|', '-e', 'frame.number', '-e', 'dtls.record.connection_id'];
  const { code, output } = await run('tshark', ['-n', '-r', recording, '-d', `udp.port==${port},dtls`, ...fields], {
    limit: 60_000,
  });
  if (code !== 0) throw new Error(`tshark: ${output}`);
  return output.split('\n').flatMap((line) => /^[0-9]+\|([0-9a-f:,]*)$/.exec(line)?.[1] ?? []);
}
