"""How the report looks: one column, light or dark as the reader's system is, from 360 pixels of width on.

Colours of FP32 and of the targets differ in brightness too, and nothing is told by colour alone. Source of the hues:
Okabe and Ito, Color Universal Design, 2008.
"""

STYLE = """
:root { color-scheme: light dark; --ink: #1b2430; --dim: #5b6672; --paper: #f6f6f3; --card: #fff; --line: #dfe2e6;
  --track: #eceef1; --fp32: #a3abb6; --cpu: #0072b2; --tensorrt: #e69f00;
  --good: #00704f; --bad: #b3261e; --open: #5b6672; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ebef; --dim: #a3aeba; --paper: #12161b; --card: #1b2128;
  --line: #323b45; --track: #2a323b; --fp32: #75808d; --cpu: #56b4e9; --tensorrt: #f0b93a;
  --good: #4ccca0; --bad: #ff8a7a; --open: #a3aeba; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 32px 20px 64px; overflow-wrap: anywhere; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0; } h2 { margin: 2.6em 0 .4em; font-size: 1.4rem; }
h3 { margin: 1.2em 0 .4em; font-size: 1.05rem; } h4 { margin: 1.3em 0 .4em; font-size: .95rem; }
p { margin: .4em 0 .8em; max-width: 75ch; } .small { color: var(--dim); font-size: .88rem; }
code { font-size: .85em; color: var(--dim); }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 320px), 1fr)); gap: 14px; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 14px 18px; min-width: 0; }
.card.cpu { border-top: 5px solid var(--cpu); } .card.tensorrt { border-top: 5px solid var(--tensorrt); }
.card > :first-child, .card > h3 + h4 { margin-top: 0; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(118px, 1fr)); gap: 12px; margin-top: 12px; }
.tiles div { color: var(--dim); font-size: .88rem; line-height: 1.3; }
.tiles b { display: block; font-size: 1.45rem; color: var(--ink); }
.verdict { font-size: 1.1rem; margin: .8em 0 1.2em; }
.chip { display: inline-block; padding: 0 9px; border-radius: 12px; border: 1.5px solid currentColor; }
.chip { font-size: .85rem; font-weight: 500; } td .chip { white-space: nowrap; }
.passed { color: var(--good); } .failed { color: var(--bad); font-weight: 700; }
.not-run { color: var(--open); border-style: dashed; }
.failed.chip { background: var(--bad); border-color: var(--bad); color: var(--card); }
table { border-collapse: collapse; width: 100%; background: var(--card); border: 1px solid var(--line); }
th, td { text-align: left; padding: 8px 12px; border-bottom: 1px solid var(--line); vertical-align: top; }
th, td { overflow-wrap: break-word; } th code { overflow-wrap: anywhere; }
thead th { color: var(--dim); font-weight: 600; font-size: .88rem; }
tbody th { font-weight: 500; } tbody th code { display: block; }
td { font-variant-numeric: tabular-nums; } td svg.bar { min-width: 110px; max-width: 260px; }
.bars { display: grid; grid-template-columns: fit-content(38%) minmax(60px, 1fr) fit-content(40%);
  gap: 6px 10px; align-items: center; font-variant-numeric: tabular-nums; font-size: .92rem; }
.bars .row { display: contents; }
svg { max-width: 100%; height: auto; display: block; }
svg.bar { width: 100%; height: 18px; border-radius: 4px; background: var(--track); }
svg.thin { height: 9px; margin: 4px 0; } svg.swatch { display: inline-block; vertical-align: -1px; margin-right: 4px; }
svg text { font: 12px system-ui, sans-serif; fill: var(--ink); } svg text.dim { fill: var(--dim); }
.fp32, .noise { fill: var(--fp32); } .cpu { fill: var(--cpu); } .tensorrt { fill: var(--tensorrt); }
.allowed { fill: none; stroke: var(--ink); stroke-width: 2; stroke-dasharray: 5 4; vector-effect: non-scaling-stroke; }
.kept { fill: var(--good); } .over { fill: var(--bad); } .grid { stroke: var(--line); }
.mark { stroke: var(--ink); stroke-width: 2; vector-effect: non-scaling-stroke; stroke-dasharray: 3 2; }
.range { stroke: var(--bad); stroke-width: 2; } .clipped { fill: var(--bad); opacity: .16; }
.ring { fill: none; stroke: var(--ink); stroke-width: 3; }
.share-int8 { fill: var(--cpu); } .share-attention { fill: #cc79a7; } .share-tuned { fill: #009e73; }
.share-runtime { fill: var(--bad); } .share-float { fill: var(--fp32); }
.key { list-style: none; margin: 10px 0; padding: 0; } .key li { margin: 4px 0; }
.maps { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr)); gap: 18px 28px; }
.maps { max-width: 880px; }
.pictures { display: flex; flex-wrap: wrap; gap: 8px; } .pictures img { border-radius: 8px; max-width: 100%; }
figure { margin: 0; min-width: 0; } figcaption { color: var(--dim); font-size: .88rem; margin-bottom: 4px; }
details { margin: 10px 0; } summary { cursor: pointer; color: var(--dim); }
@media (max-width: 640px) {
  thead { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; }
  table, tbody, tr, th, td { display: block; } td, th { border: 0; padding: 3px 12px; }
  tr { border-bottom: 1px solid var(--line); padding: 8px 0; }
  .bars { display: block; } .bars .row { display: grid; grid-template-columns: auto 1fr; gap: 0 10px; }
  .bars .row { margin-bottom: 8px; }
  .bars .row svg.bar { grid-area: 2 / 1 / 3 / 3; height: 12px; } .bars .row span:last-child { text-align: right; }
  td[data-head]::before { content: attr(data-head) ": "; color: var(--dim); font-size: .88rem; }
}
"""
