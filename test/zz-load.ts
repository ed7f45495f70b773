const t=performance.now(); await import('@opentelemetry/api'); console.log('load otel api', (performance.now()-t).toFixed(1),'ms');
