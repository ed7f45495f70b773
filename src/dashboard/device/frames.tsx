/** What this page's own CBOR connection receives, byte for byte, and what JSON would have cost. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { DeviceFeed } from '../device-feed.ts';
import { byteSize, clockTime, count, percentSaved } from '../format.ts';
import { FRAME_LOG_MAX } from '../frame-log.ts';
import type { LoggedFrame } from '../frame-log.ts';
import { useObservable } from '../ui/hooks.ts';
import { Card, Empty, Icon } from '../ui/widgets.tsx';
import { HexDump } from './lists.tsx';

export function Frames({ feed }: { feed: DeviceFeed }): JSX.Element {
  useObservable(feed.logTick);
  const [paused, setPaused] = useState<readonly LoggedFrame[] | null>(null);
  const [openFrame, setOpenFrame] = useState<LoggedFrame | null>(null);
  const { totals } = feed.log;
  const frames = paused ?? feed.log.frames;
  const saved = percentSaved(totals.bytes, totals.jsonBytes);
  return (
    <Card
      title="Frames"
      id="frames"
      class="wide"
      aside={
        <>
          <span class="muted">
            {count(totals.count)} received, {byteSize(totals.bytes)}
            {saved && ` · ${saved} against JSON`}
          </span>
          <button
            type="button"
            class="button"
            aria-pressed={paused !== null}
            onClick={() => setPaused(paused === null ? frames : null)}
          >
            <Icon name={paused === null ? 'pause' : 'play'} /> {paused === null ? 'Pause' : 'Resume'}
          </button>
        </>
      }
    >
      {frames.length === 0 ? (
        <Empty>Waiting for the first frame. The last {FRAME_LOG_MAX} are kept here.</Empty>
      ) : (
        <div class="frames">
          <div class="frames-list" role="region" aria-label="Last frames" tabIndex={0}>
            <table class="plain">
              <thead>
                <tr>
                  <th scope="col">Time</th>
                  <th scope="col">Type</th>
                  <th scope="col" class="number">
                    CBOR
                  </th>
                  <th scope="col" class="number as-json">
                    JSON
                  </th>
                  <th scope="col" class="number">
                    Saved
                  </th>
                </tr>
              </thead>
              <tbody>
                {frames.map((one) => (
                  <FrameLine key={one.n} one={one} isOpen={openFrame?.n === one.n} open={setOpenFrame} />
                ))}
              </tbody>
            </table>
          </div>
          <FrameDetail one={openFrame} />
        </div>
      )}
    </Card>
  );
}

function FrameLine(props: {
  one: LoggedFrame;
  isOpen: boolean;
  open: (one: LoggedFrame) => void;
}): JSX.Element {
  const { one, isOpen, open } = props;
  return (
    <tr class={isOpen ? 'frame-open' : ''} onClick={() => open(one)}>
      <td class="muted">{clockTime(one.atMs, one.atMs)}</td>
      <td>
        <button type="button" class="text-button" aria-pressed={isOpen}>
          {one.frame.type}
        </button>
      </td>
      <td class="number">{one.bytes.length} B</td>
      <td class="number muted as-json">{one.jsonBytes} B</td>
      <td class="number">{percentSaved(one.bytes.length, one.jsonBytes)}</td>
    </tr>
  );
}

function FrameDetail({ one }: { one: LoggedFrame | null }): JSX.Element {
  if (one === null) return <Empty>Choose a frame to see its bytes and what they say.</Empty>;
  return (
    <div class="frame-detail">
      <h3>
        {one.frame.type} <span class="muted">{one.bytes.length} bytes of CBOR</span>
      </h3>
      <HexDump bytes={one.bytes} />
      <h3>
        As JSON <span class="muted">{one.jsonBytes} bytes</span>
      </h3>
      <pre class="code" tabIndex={0} aria-label="Decoded frame">
        {JSON.stringify(one.frame, null, 2)}
      </pre>
    </div>
  );
}
