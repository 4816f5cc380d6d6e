"""Faz os slides de cada lição: as células com o rótulo `slide`, cada uma com o título e a primeira frase da sua seção.

Uso: curso.py slides [LIÇÃO…]   (grava em slides/; sem nomes, faz todas)

Cada arquivo é um HTML só, que abre sem internet. Setas, espaço e PageDown andam; imprimir dá uma página por slide.
"""

import re
import sys
from html import escape

import nbformat
from nbconvert import HTMLExporter
from pygments.formatters import HtmlFormatter

from cadernos import RAIZ, licoes, sem_marcas

SAIDA = RAIZ / "slides"
LONGO = 340      # letras: um parágrafo maior fica só com a primeira frase

ESTILO = """
html { scroll-snap-type: y mandatory; font: 26px/1.45 system-ui, sans-serif; color: #222; background: #fff; }
body { margin: 0; }
section { box-sizing: border-box; min-height: 100vh; padding: 3vh 6vw; scroll-snap-align: start; display: flex;
          flex-direction: column; justify-content: center; page-break-after: always; }
h1 { font-size: 2.2em; line-height: 1.15; } h2 { font-size: 1.5em; margin: 0 0 .4em; color: #0072B2; }
pre { margin: .3em 0; font: .8em/1.4 ui-monospace, Menlo, Consolas, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
.highlight { background: #f6f6f6; border-left: 6px solid #0072B2; padding: .3em .8em; }
.jp-OutputArea { border-left: 6px solid #009E73; padding-left: .8em; margin-top: .6em; }
img { max-width: 100%; max-height: calc(60vh * var(--cabe, 1)); }
table { border-collapse: collapse; } td, th { padding: .1em .6em; border-bottom: 1px solid #ccc; }
.jp-InputPrompt, .jp-OutputPrompt, .anchor-link { display: none; } footer { position: fixed; right: 1em; bottom: .4em; font-size: .6em; color: #666; }
@media print { section { min-height: 0; height: 100vh; } footer { display: none; } }
"""
ANDAR = """
const slides = [...document.querySelectorAll("section")], numero = document.querySelector("footer");
const aqui = () => slides.findIndex(s => s.getBoundingClientRect().bottom > innerHeight / 2);
const mostra = () => numero.textContent = (aqui() + 1) + " de " + slides.length;
addEventListener("keydown", e => {
  const passo = {ArrowRight: 1, ArrowDown: 1, PageDown: 1, " ": 1, ArrowLeft: -1, ArrowUp: -1, PageUp: -1}[e.key];
  if (!passo) return;
  e.preventDefault();
  slides[Math.max(0, Math.min(slides.length - 1, aqui() + passo))].scrollIntoView();
});
// O que não cabe na tela encolhe até caber.
const ajusta = () => slides.forEach(s => {
  for (let cabe = 1; cabe > .5; cabe -= .05) {
    s.style.setProperty("--cabe", cabe); s.style.fontSize = cabe + "em";
    if (s.scrollHeight <= innerHeight + 1) break;
  }
});
addEventListener("scroll", mostra); addEventListener("resize", ajusta); addEventListener("load", () => { ajusta(); mostra(); });
"""


# As fórmulas dos slides escolhidos são curtas: escritas assim, dispensam o MathJax, que viria da internet.
SINAIS = {r"\approx": "≈", r"\cdot": "·", r"\times": "×", r"\sqrt": "√", r"\ln": "ln", r"\max": "max", r"\sum": "∑", "{,}": ",",
          r"\le": "≤", r"\ge": "≥", r"\in": "∈", r"\sigma": "σ", r"\mu": "μ", r"\Phi": "Φ", "^2": "²", "^0": "⁰", "^1": "¹",
          r"\left": "", r"\right": "", r"\text": "", "{": "", "}": "", "\\": ""}


def sem_tex(texto):
    """O texto com cada $fórmula$ escrita com os sinais do teclado e do Unicode."""
    def por_extenso(formula):
        formula = formula[1]
        for tex, sinal in SINAIS.items():
            formula = formula.replace(tex, sinal)
        return formula

    return re.sub(r"\$([^$\n]+)\$", por_extenso, texto)


def resumida(texto):
    """O primeiro parágrafo depois do último título, ou a primeira frase dele, se for longo; lista não conta."""
    texto = re.split(r"^#{1,3} .+$", texto, flags=re.MULTILINE)[-1]
    paragrafos = [p for p in re.split(r"\n\s*\n", texto.strip()) if not re.match(r"\s*(#|[-*|>]|!\[|\[!|```|<|\d+\.)", p)]
    if not paragrafos:
        return ""
    primeiro = paragrafos[0]
    return primeiro if len(primeiro) <= LONGO else re.split(r"(?<=[.!?:])\s", primeiro)[0]


def titulo(texto):
    titulos = re.findall(r"^#{1,3} (.+)$", texto, re.MULTILINE)
    return titulos[-1] if titulos else None


def escolhidos(caderno):
    """[(título, frase, célula ou None)]: a abertura, as células com o rótulo, o resumo."""
    abertura, fim = caderno.cells[0].source, caderno.cells[-1].source
    pergunta = re.search(r"\*\*(.+?)\*\*", abertura.split("## A pergunta")[1], re.DOTALL)[1]
    slides, secao, frase = [(titulo(abertura.split("##")[0]), pergunta, None)], "", ""
    for celula in caderno.cells[1:-1]:
        if celula.cell_type == "markdown":
            secao, frase = titulo(celula.source) or secao, resumida(celula.source)
        if "slide" in celula.metadata.get("tags", []):
            slides.append((secao, frase, celula if celula.cell_type == "code" else None))
            frase = ""
    return [*slides, ("Em resumo", fim.split("## Em resumo")[1].split("**A seguir")[0].strip(), None)]


def exportador():
    return HTMLExporter(template_name="basic", exclude_input_prompt=True, exclude_output_prompt=True)


def em_html(exporta, celulas):
    corpo, _ = exporta.from_notebook_node(nbformat.v4.new_notebook(cells=celulas))
    return re.sub(r'<a href="[\w./-]+\.(?:ipynb|md)[^"]*">(.*?)</a>', r"\1", corpo)      # fora da pasta, não levariam a nada


def secao_html(exporta, nome, frase, celula, primeira):
    cabeca = [nbformat.v4.new_markdown_cell(f"{'#' if primeira else '##'} {nome}\n\n{sem_tex(frase)}")]
    partes = [em_html(exporta, cabeca)]
    if celula is not None:
        limpa = nbformat.v4.new_code_cell("\n".join(linha for linha in celula.source.splitlines() if not linha.startswith(("#|", "#@title"))).strip("\n"))
        # Um painel só vive no caderno; aqui fica a frase dele.
        limpa.outputs = [s for s in celula.outputs if "application/vnd.jupyter.widget-view+json" not in s.get("data", {})]
        if any("image/png" in s.get("data", {}) for s in limpa.outputs):
            limpa.source = ""                                # uma figura fica com a tela toda
        partes.append(em_html(exporta, [limpa]))
    return f"<section>{''.join(partes)}</section>"


def pagina(caminho):
    caderno, exporta = nbformat.read(caminho, 4), exportador()
    for celula in caderno.cells:
        celula.source = sem_marcas(celula.source)
    slides = escolhidos(caderno)
    corpo = "".join(secao_html(exporta, *slide, primeira=i == 0) for i, slide in enumerate(slides))
    cores = HtmlFormatter(style="friendly").get_style_defs(".highlight")
    return (f'<!doctype html><html lang="pt-BR"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
            f"<title>{escape(slides[0][0])}</title><style>{cores}{ESTILO}</style></head><body>{corpo}<footer></footer><script>{ANDAR}</script></body></html>")


def main():
    pedidas = sys.argv[1:] or [""]
    escolhidas = [c for c in licoes() if c.name.startswith(tuple(pedidas))]
    if not escolhidas:
        sys.exit(f"não há lição que comece por {' ou '.join(pedidas)}.")
    SAIDA.mkdir(exist_ok=True)
    for caminho in escolhidas:
        destino = SAIDA / f"{caminho.stem}.html"
        destino.write_text(pagina(caminho), encoding="utf-8")
        print(f"feitos: {destino.relative_to(RAIZ)}")


if __name__ == "__main__":
    main()
