import { describe, expect, it } from 'vitest';
import { DENIED_HREF, deviceHref, fleetHref, NO_FILTER, parseRoute } from '../../src/dashboard/router.ts';

describe('routes', () => {
  it('reads an empty hash and #/ as the plain fleet', () => {
    for (const hash of ['', '#', '#/'])
      expect(parseRoute(hash)).toEqual({ kind: 'fleet', filter: NO_FILTER });
  });

  it('keeps a filter through its link', () => {
    const filter = {
      q: 'pump 7 & é',
      model: 'pump',
      presence: 'offline',
      rejected: true,
      sort: 'lastSeen',
      descending: true,
    } as const;
    expect(parseRoute(fleetHref(filter))).toEqual({ kind: 'fleet', filter });
  });

  it('leaves out of the link what is not filtered', () => {
    expect(fleetHref(NO_FILTER)).toBe('#/');
    expect(fleetHref({ presence: 'never' })).toBe('#/?presence=never');
  });

  it('ignores values nobody offers', () => {
    expect(parseRoute('#/?presence=maybe&sort=colour')).toEqual({ kind: 'fleet', filter: NO_FILTER });
  });

  it('finds a device whose id has every allowed character', () => {
    const id = 'Az0._~:-';
    expect(parseRoute(deviceHref('energy-meter', id))).toEqual({ kind: 'device', model: 'energy-meter', id });
  });

  it('finds the page of what was denied', () => {
    expect(parseRoute(DENIED_HREF)).toEqual({ kind: 'denied' });
  });

  it('calls a hash it does not know unknown, also a broken escape', () => {
    expect(parseRoute('#/nothing').kind).toBe('unknown');
    expect(parseRoute('#/device/pump/%E0%A4%A').kind).toBe('unknown');
  });
});
