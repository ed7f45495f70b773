/** One device: what it is now, what it was, what it should be, and every frame of it. */
import type { JSX } from 'preact';
import { useEffect, useMemo } from 'preact/hooks';
import type { AgentDescription, Approval, ModelDescription } from '../api-types.ts';
import { DeviceFeed } from '../device-feed.ts';
import type { FleetFeed } from '../fleet-feed.ts';
import { count, metricValue } from '../format.ts';
import type { Observable } from '../observable.ts';
import { fleetHref, FLEET_MODEL } from '../router.ts';
import { isObject } from '../twin.ts';
import { useObservable } from '../ui/hooks.ts';
import { Card, Empty, Icon, PresenceBadge, ProblemBox, Skeleton, TimeAgo } from '../ui/widgets.tsx';
import { Activity } from './activity.tsx';
import { Approvals, AskedFor } from './approvals.tsx';
import { Questions } from './questions.tsx';
import { ChartCard } from './chart-card.tsx';
import { FLEET_SUGGESTIONS, suggestions } from '../chat-words.ts';
import { Chat } from './chat-card.tsx';
import { Commands } from './commands.tsx';
import { Frames } from './frames.tsx';
import { Alerts, Rejected } from './lists.tsx';
import { Rules } from './rules.tsx';
import { Twin } from './twin-card.tsx';

export function DevicePage({
  fleet,
  model,
  id,
}: {
  fleet: FleetFeed;
  model: string;
  id: string;
}): JSX.Element {
  // The page is keyed by its device: one feed for its life.
  const feed = useMemo(() => new DeviceFeed(model, id), []);
  useEffect(() => () => feed.close(), [feed]);
  useEffect(
    // What was decided here waits nowhere.
    () => feed.oversight.approvals.subscribe(() => void fleet.refreshAttention()), // never rejects
    [feed],
  );
  useObservable(fleet.models);
  const definition = fleet.model(model);
  const isWholeFleet = model === FLEET_MODEL && id === 'all';
  const isDevice = model !== FLEET_MODEL && definition?.kind !== 'agent';
  const load = useObservable(feed.load);
  const description = useObservable(feed.description);
  return (
    <div class="device">
      <a class="back" href={fleetHref({})}>
        <Icon name="back" /> Fleet
      </a>
      <header class="device-head">
        <div class="device-title">
          <h1 tabIndex={-1}>
            {isWholeFleet ? 'The fleet' : id}{' '}
            <span class="muted model-name">{isWholeFleet ? `${model}/${id}` : model}</span>
          </h1>
          {definition && <p class="muted">{aboutModel(definition)}</p>}
        </div>
        {description && <Facts feed={feed} description={description} isDevice={isDevice} />}
        {description && definition && <LastValues state={description.state} definition={definition} />}
      </header>
      {load.kind === 'failed' && <ProblemBox problem={load.problem} onRetry={() => void feed.refresh()} />}
      {load.kind === 'loading' && <Skeleton rows={6} />}
      {description && isDevice && <Sections feed={feed} description={description} definition={definition} />}
      {description && !isDevice && (
        <PlainSections
          feed={feed}
          description={description}
          definition={definition}
          fleetApprovals={fleet.approvals}
        />
      )}
    </div>
  );
}

function aboutModel({ description, vendor }: ModelDescription): string {
  return vendor === '' ? description : `${description} · ${vendor}`;
}

interface SectionProps {
  readonly feed: DeviceFeed;
  readonly description: AgentDescription;
  readonly definition: ModelDescription | undefined;
}

function Sections({ feed, description, definition }: SectionProps): JSX.Element {
  return (
    <div class="device-grid">
      <Approvals oversight={feed.oversight} />
      <Questions oversight={feed.oversight} />
      {definition && <ChartCard feed={feed} definition={definition} />}
      <div class="stack">
        {description.canChat === true && (
          <Chat feed={feed} beginnings={suggestions(definition)} title="Ask this device" />
        )}
        {definition && <Commands feed={feed} definition={definition} />}
        <Activity oversight={feed.oversight} />
      </div>
      <div class="stack">
        <Twin feed={feed} description={description} definition={definition} />
        {definition && <Rules feed={feed} definition={definition} />}
        <Alerts feed={feed} />
        <Rejected feed={feed} />
      </div>
      <Frames feed={feed} />
    </div>
  );
}

/** An agent that is no device: what it holds, and what it says. */
function PlainSections(
  props: SectionProps & { fleetApprovals: Observable<readonly Approval[]> },
): JSX.Element {
  const { feed, description, definition, fleetApprovals } = props;
  const { model, id, state, canChat } = description;
  return (
    <div class="device-grid">
      <Approvals oversight={feed.oversight} />
      <Questions oversight={feed.oversight} />
      <AskedFor by={`agent:${model}/${id}`} chat={feed.chat} approvals={fleetApprovals} />
      {canChat === true && (
        <Chat
          feed={feed}
          beginnings={model === FLEET_MODEL ? FLEET_SUGGESTIONS : suggestions(definition)}
          title={model === FLEET_MODEL ? 'Ask the fleet' : 'Ask this agent'}
        />
      )}
      {model !== FLEET_MODEL && (
        <Card title="State" id="state">
          {state === null ? (
            <Empty>It has set no state yet.</Empty>
          ) : (
            <pre class="scroll-x" tabIndex={0} role="region" aria-labelledby="state">
              {JSON.stringify(state, null, 2)}
            </pre>
          )}
        </Card>
      )}
      <Frames feed={feed} />
    </div>
  );
}

function Facts(props: { feed: DeviceFeed; description: AgentDescription; isDevice: boolean }): JSX.Element {
  const { feed, description, isDevice } = props;
  const link = useObservable(feed.link).kind;
  return (
    <dl class="facts">
      {isDevice && (
        <>
          <Fact label="Presence">
            <PresenceBadge presence={description.presence} />
          </Fact>
          <Fact label="Last seen">
            <TimeAgo atMs={description.lastSeen} />
          </Fact>
          <Fact label="Messages">{count(description.messages)}</Fact>
          <Fact label="Codec">{description.codec?.toUpperCase() ?? 'not yet known'}</Fact>
        </>
      )}
      <Fact label="Agent">{description.awake ? 'awake' : 'hibernating'}</Fact>
      <Fact label="This page">
        {link === 'live' ? 'live, CBOR' : link === 'waiting' ? 'reconnecting…' : 'connecting…'}
      </Fact>
    </dl>
  );
}

function Fact({ label, children }: { label: string; children: JSX.Element | string }): JSX.Element {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function LastValues({
  state,
  definition,
}: {
  state: unknown;
  definition: ModelDescription;
}): JSX.Element | null {
  const values = isObject(state) ? state : {};
  const metrics = definition.metrics.filter((metric) => values[metric.name] !== undefined);
  if (metrics.length === 0) return null;
  return (
    <dl class="last-values" aria-label="Last values">
      {metrics.map((metric) => (
        <div key={metric.name} title={metric.description ?? undefined}>
          <dt>{metric.name}</dt>
          <dd>{metricValue(values[metric.name], metric)}</dd>
        </div>
      ))}
    </dl>
  );
}
