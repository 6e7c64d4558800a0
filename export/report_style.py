"""How the report looks: one column, light or dark as the reader's system is."""

STYLE = """
:root { color-scheme: light dark; --ink: #1b2430; --dim: #66717f; --paper: #fbfbf9; --card: #fff; --line: #e3e5e8;
  --after: #21918c; --before: #c9ced6; --good: #1a7f4b; --bad: #c0392b; --open: #9a6b00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ebef; --dim: #98a3b0; --paper: #14181d; --card: #1c2229;
  --line: #2e363f; --after: #35b0a9; --before: #4a5460; --good: #4cc38a; --bad: #ff7b6b; --open: #e0b04c; } }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 32px 24px 64px; }
h1 { font-size: 2rem; margin: 0; } h2 { margin: 2.4em 0 .6em; } h3 { margin: 1.4em 0 .4em; font-weight: 600; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(170px, 1fr)); gap: 12px; margin: 24px 0; }
.tiles div { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 14px 16px; }
.tiles div { color: var(--dim); }
.tiles b { display: block; font-size: 1.6rem; color: var(--ink); }
table { border-collapse: collapse; background: var(--card); border: 1px solid var(--line); width: 100%; }
th, td { text-align: left; padding: 8px 14px; border-bottom: 1px solid var(--line); }
th { color: var(--dim); font-weight: 500; }
.number { font-variant-numeric: tabular-nums; } .small { color: var(--dim); font-size: .9rem; }
.chip { padding: 2px 10px; border-radius: 999px; border: 1px solid currentColor; }
.passed { color: var(--good); } .failed { color: var(--bad); } .not-run { color: var(--open); }
.pair { display: flex; flex-wrap: wrap; gap: 20px; align-items: flex-start; } figure { margin: 0; max-width: 100%; }
figcaption { color: var(--dim); margin-bottom: 4px; } figure img { display: block; border-radius: 8px; width: 240px; }
svg { max-width: 100%; height: auto; } svg text { font: 13px system-ui, sans-serif; fill: var(--ink); }
.before { fill: var(--before); } .after { fill: var(--after); } .ring { stroke: var(--bad); stroke-width: 3; }
"""
