import { graphql } from 'graphql';
import { expect, test } from 'vitest';
import { createContext, type Viewer } from '../../src/graphql/context.ts';
import { SCOPES } from '../../src/lib/identity.ts';
import { openApp } from './api.ts';

test('O7 who asks is told who they are, whose things they see, and what they may do', async () => {
  const app = await openApp({ flows: [] });
  const source = '{ viewer { subject isAuthenticated tenant scopes expiresAt } }';
  const viewerOf = async (viewer: Viewer) => {
    const contextValue = createContext(app.services, viewer);
    const { data } = await graphql({ schema: app.schema, source, contextValue });
    const { viewer: told } = Object(data) as { readonly viewer?: unknown };
    return told;
  };
  const expiresAt = Date.UTC(2030, 0, 1);
  const scopes = new Set(['read', 'debug'] as const);
  expect(await viewerOf({ scopes, tenant: 'acme', subject: 'ann', expiresAt })).toEqual({
    subject: 'ann',
    isAuthenticated: true,
    tenant: 'acme',
    scopes: ['READ', 'DEBUG'],
    expiresAt: '2030-01-01T00:00:00.000Z',
  });
  expect(await viewerOf(app.createContext().viewer)).toEqual({
    subject: null,
    isAuthenticated: false,
    tenant: 'default',
    scopes: SCOPES.map((scope) => scope.toUpperCase()),
    expiresAt: null,
  });
});
