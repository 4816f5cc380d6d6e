"""A linguagem visual da galeria: a cor e a forma de cada peça, a folha, os traços e o que se grava.

As cores são as de `apoio.veja.COR`. As medidas são em unidades da folha: 160 de largura, o zero no alto à
esquerda; uma unidade são 10 pontos do PNG. Nenhuma letra é menor que 17 pt, para se ler com 800 pontos de largura.
"""

import io
import re

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, Polygon, Rectangle
from PIL import Image

from apoio.numeros import porcento
from apoio.veja import COR, tinta_sobre, visivel

PAPEL, TINTA, APAGADO, LINHA = "#FBFAF6", COR["tinta"], "#5E5E5E", "#B9B6AD"
TITULO, TEXTO, PEQUENO = 30, 20, 17
AJUSTES = {
    "font.family": "DejaVu Sans",         # vem com o matplotlib: o mesmo desenho em toda máquina
    "svg.fonttype": "none",               # no SVG, letra é letra: menor, e dá para procurar e copiar
    "svg.hashsalt": "gpt-do-zero",        # os mesmos nomes internos em todo redesenho
    "path.simplify": True,
}


def claro(cor, quanto=0.78):
    """A cor misturada com o papel; `quanto` = 1 é só papel."""
    return tuple(c * (1 - quanto) + p * quanto for c, p in zip(to_rgb(cor), to_rgb(PAPEL), strict=True))


def parte(chance):
    """Uma chance de 0 a 1 como porcentagem; o que é quase nada ou quase tudo se diz assim."""
    return "<1%" if chance < 0.005 else ">99%" if 0.995 <= chance < 1 else porcento(chance)


class Folha:
    """Uma folha de 160 unidades de largura, com título no alto."""

    def __init__(self, titulo, subtitulo, altura):
        self.figura = Figure(figsize=(16, altura / 10), dpi=100, facecolor=PAPEL)
        FigureCanvasAgg(self.figura)
        self.eixo = self.figura.add_axes((0, 0, 1, 1))
        self.eixo.set(xlim=(0, 160), ylim=(altura, 0))
        self.eixo.axis("off")
        self.altura = altura
        self.eixo.add_patch(FancyBboxPatch((1, 1), 158, altura - 2, boxstyle="round,pad=0,rounding_size=2.5",
                                           facecolor="none", edgecolor=LINHA, linewidth=2))
        self.texto(6, 8, titulo, TITULO, ha="left", weight="bold")
        self.texto(6, 14, subtitulo, TEXTO, ha="left", cor=APAGADO)

    def texto(self, x, y, texto, tamanho=TEXTO, cor=TINTA, ha="center", va="center", **opcoes):
        if "\n" not in texto and va == "center":
            # Pela linha de base, e não pela caixa: «um» e «pião» ficam na mesma altura.
            y, va = y + 0.0507 * tamanho, "baseline"
        self.eixo.text(x, y, texto, fontsize=tamanho, color=cor, ha=ha, va=va, parse_math=False,
                       linespacing=1.35, **opcoes)

    def peca(self, tipo, x, y, w, h, texto="", tamanho=TEXTO):
        """Uma peça com sua forma e sua cor; (x, y) é o canto de cima à esquerda."""
        estilo = {"facecolor": COR.get(tipo, PAPEL), "edgecolor": TINTA, "linewidth": 2, "zorder": 3}
        ponta = min(w / 6, h / 2.2)
        if tipo == "residual":
            forma = Circle((x + w / 2, y + h / 2), min(w, h) / 2, **estilo)
        elif tipo == "norm":
            forma = FancyBboxPatch((x, y), w, h, boxstyle=f"round,pad=0,rounding_size={h / 2}", **estilo)
        elif tipo == "feedforward":      # hexágono: alarga no meio e volta
            forma = Polygon([(x, y + h / 2), (x + ponta, y), (x + w - ponta, y), (x + w, y + h / 2),
                             (x + w - ponta, y + h), (x + ponta, y + h)], **estilo)
        elif tipo == "saida":            # etiqueta: aponta para a palavra que sai
            forma = Polygon([(x, y), (x + w - ponta, y), (x + w, y + h / 2), (x + w - ponta, y + h), (x, y + h)], **estilo)
        elif tipo == "atencao":
            forma = FancyBboxPatch((x, y), w, h, boxstyle="round,pad=0,rounding_size=1.6", **estilo)
        else:                            # embedding: uma linha de tabela
            forma = Rectangle((x, y), w, h, **estilo)
        self.eixo.add_patch(forma)
        if texto:
            self.texto(x + w / 2, y + h / 2, texto, tamanho, zorder=4, weight="bold",
                       cor=tinta_sobre(to_rgb(COR.get(tipo, PAPEL))))

    def painel(self, x, y, w, h, cor=COR["papel"]):
        self.eixo.add_patch(FancyBboxPatch((x, y), w, h, boxstyle="round,pad=0,rounding_size=1.8", facecolor=cor,
                                           edgecolor=LINHA, linewidth=1.5, zorder=0))

    def token(self, x, y, w, texto, forte=False, h=5.5, tamanho=PEQUENO, cor=None):
        """Uma palavra em sua ficha; a forte tem fundo escuro."""
        fundo = cor or (TINTA if forte else COR["papel"])
        self.eixo.add_patch(Rectangle((x, y), w, h, facecolor=fundo, edgecolor=TINTA, linewidth=1.5, zorder=3))
        self.texto(x + w / 2, y + h / 2, visivel(texto), tamanho, zorder=4, weight="bold" if forte else "normal",
                   cor=tinta_sobre(to_rgb(fundo)))

    def seta(self, *pontos, cor=TINTA, largura=2.5, traco="-", ponta=True):
        """Uma linha de ponto em ponto, com seta no fim."""
        for (xa, ya), (xb, yb) in zip(pontos[:-2] if ponta else pontos[:-1], pontos[1:-1] if ponta else pontos[1:], strict=True):
            self.eixo.plot([xa, xb], [ya, yb], color=cor, linewidth=largura, linestyle=traco, zorder=2, solid_capstyle="round")
        if ponta:
            self.eixo.add_patch(FancyArrowPatch(pontos[-2], pontos[-1], arrowstyle="-|>", mutation_scale=18 + 2 * largura,
                                                color=cor, linewidth=largura, linestyle=traco, shrinkA=0, shrinkB=0, zorder=2))

    def barras(self, x, y, w, itens, peca="saida", rotulo=15, passo=5.5, tamanho=PEQUENO, forte=None, teto=1.0):
        """Barras deitadas: [(palavra, chance)]; a palavra à esquerda, a porcentagem depois; `teto` enche a largura."""
        for i, (nome, chance) in enumerate(itens):
            topo = y + i * passo
            self.texto(x + rotulo - 1, topo + passo / 2 - 0.5, visivel(nome), tamanho, ha="right",
                       weight="bold" if nome == forte else "normal")
            comprimento = max(0.3, min(1, chance / teto) * (w - rotulo - 9.5))
            self.eixo.add_patch(Rectangle((x + rotulo, topo + 0.4), comprimento, passo - 1.8, facecolor=COR[peca],
                                          edgecolor=TINTA, linewidth=1.2, zorder=3))
            self.texto(x + rotulo + comprimento + 0.8, topo + passo / 2 - 0.5, parte(chance), tamanho, ha="left")

    def imagem(self, x, y, w, h, tabela, limite, cmap="PuOr"):
        """Uma tabela de números como faixa de cores, na escala de −limite a +limite."""
        self.eixo.imshow(tabela, extent=(x, x + w, y + h, y), cmap=cmap, vmin=-limite, vmax=limite, aspect="auto",
                         interpolation="nearest", zorder=2)
        self.eixo.set(xlim=(0, 160), ylim=(self.altura, 0))
        self.eixo.add_patch(Rectangle((x, y), w, h, facecolor="none", edgecolor=TINTA, linewidth=1.2, zorder=3))

    def grafico(self, x, y, w, h):
        """Um par de eixos nas medidas da folha."""
        eixo = self.figura.add_axes((x / 160, 1 - (y + h) / self.altura, w / 160, h / self.altura), facecolor=COR["papel"])
        eixo.set_zorder(-1)              # o que se escreve na folha fica por cima
        eixo.spines[["top", "right"]].set_visible(False)
        eixo.tick_params(labelsize=PEQUENO, colors=TINTA)
        return eixo


def gravar(figura, pasta, nome, titulo, descricao):
    """SVG com <title> e <desc>, e PNG de 1600 pontos com paleta reduzida; sem datas, para o redesenho ser igual."""
    with matplotlib.rc_context(AJUSTES):
        texto = io.StringIO()
        figura.savefig(texto, format="svg", facecolor=PAPEL, metadata={"Date": None, "Creator": None})
        cabeca = f'<title id="titulo">{_xml(titulo)}</title>\n <desc id="descricao">{_xml(descricao)}</desc>\n '
        svg = re.sub(r"<metadata>.*?</metadata>\s*", cabeca, texto.getvalue(), count=1, flags=re.S)
        svg = svg.replace("<svg ", '<svg role="img" aria-labelledby="titulo descricao" ', 1)
        svg = svg.replace("'DejaVu Sans'", "'DejaVu Sans', Verdana, sans-serif")
        (pasta / f"{nome}.svg").write_text(svg, encoding="utf-8", newline="\n")
        ponto = io.BytesIO()
        figura.savefig(ponto, format="png", dpi=100, facecolor=PAPEL)
    Image.open(ponto).convert("RGB").quantize(128, dither=Image.Dither.NONE).save(pasta / f"{nome}.png", optimize=True)


def _xml(texto):
    return texto.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
