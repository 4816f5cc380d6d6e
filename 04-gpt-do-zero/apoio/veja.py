"""Figuras das aulas: funções puras, dados entram e sai uma `Figure`; quem chama decide onde mostrar.

Cada figura traz em `legenda` uma frase lida dos próprios dados, que serve também a quem não a vê.
A cor diz a peça, a mesma em todo o curso (paleta de Okabe e Ito, 2008, segura para daltônicos).
"""

import io
import math
from statistics import median

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from .numeros import formatado, numero, porcento

COR = {
    "embedding": "#56B4E9",
    "atencao": "#0072B2",
    "feedforward": "#E69F00",
    "residual": "#009E73",
    "norm": "#CC79A7",
    "saida": "#D55E00",
    "tinta": "#222222",
    "papel": "#FFFFFF",
    "apagado": "#8A8A8A",
}
FONTE = 13


class _Desenho(Figure):
    """Uma `Figure` que o notebook mostra mesmo sem pyplot carregado; em texto, ela é a sua legenda."""

    legenda = ""

    def __repr__(self):
        return self.legenda or super().__repr__()

    def _repr_png_(self):
        arquivo = io.BytesIO()
        FigureCanvasAgg(self).print_png(arquivo)      # desenha uma vez só; savefig desenharia duas
        return arquivo.getvalue(), {"alt": self.legenda}


def _figura(largura, altura, linhas=1, colunas=1, **opcoes):
    """Uma `Figure` sem pyplot (nada fica aberto na memória) e seus eixos."""
    figura = _Desenho(figsize=(largura, altura), dpi=100, layout="constrained", facecolor=COR["papel"])
    eixos = figura.subplots(linhas, colunas, squeeze=False, **opcoes)
    for eixo in eixos.flat:
        eixo.spines[["top", "right"]].set_visible(False)
        eixo.tick_params(labelsize=FONTE - 1)
    return figura, eixos


def _quadro(largura, altura):
    """Uma `Figure` de um par de eixos só."""
    figura, eixos = _figura(largura, altura)
    return figura, eixos[0, 0]


def _nomear(eixo, titulo="", x="", y="", tamanho=FONTE + 2, grade=False):
    """O título e os nomes dos eixos; com `grade`, um risco claro na altura de cada marca."""
    eixo.set_title(titulo, fontsize=tamanho)
    eixo.set_xlabel(x, fontsize=FONTE)
    eixo.set_ylabel(y, fontsize=FONTE)
    if grade:
        eixo.grid(axis="y", color="#E5E5E5")


def _deitar(eixo, rotulos, tamanho=FONTE + 1):
    """Uma barra por linha, a primeira no alto; o número vai escrito ao lado, e não no eixo."""
    eixo.set_yticks(range(len(rotulos)), rotulos, fontsize=tamanho)
    eixo.set_ylim(len(rotulos) - 0.5, -0.5)
    eixo.set_xticks([])
    eixo.spines["bottom"].set_visible(False)
    eixo.tick_params(length=0)


def _n(valor, casas=2):
    """Um número de casas contadas; muito grande ou muito pequeno, com expoente."""
    return numero(valor, casas) if not valor or 0.001 <= abs(valor) < 1e5 else formatado(valor, ".1e")


def _rampa(cor):
    """Do papel até `cor`: a escala de quem vai de 0 a 1."""
    return LinearSegmentedColormap.from_list("rampa", [COR["papel"], cor])


def tinta_sobre(fundo):
    """Preto ou branco, o que mais contrasta com o fundo (r, g, b, de 0 a 1): nunca menos de 4,5 para 1 (WCAG 2.2)."""
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in fundo[:3])
    return "#000000" if 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 else "#FFFFFF"


def _escrever(eixo, coluna, linha, texto, imagem, tamanho=FONTE):
    """Um texto no meio de uma célula da imagem, na cor que se lê sobre ela."""
    fundo = imagem.to_rgba(imagem.get_array()[linha][coluna])
    eixo.text(coluna, linha, texto, ha="center", va="center", color=tinta_sobre(fundo), fontsize=tamanho)


def parametros_por_parte(contagens):
    """Quantos por cento dos parâmetros moram em cada parte; uma barra por modelo.

    `contagens`: {nome do modelo: {nome da parte: número de parâmetros}}, as mesmas partes em todos.
    """
    cores = {
        "tabela de tokens": COR["embedding"],
        "tabela de posições": COR["apagado"],
        "atenção": COR["atencao"],
        "feedforward": COR["feedforward"],
        "LayerNorm": COR["norm"],
        "saída": COR["saida"],
    }
    figura, eixo = _quadro(9, 1.6 + 0.9 * len(contagens))
    for linha, partes in enumerate(contagens.values()):
        total, esquerda = sum(partes.values()), 0.0
        for parte, quantos in partes.items():
            fatia = 100 * quantos / total
            eixo.barh(linha, fatia, left=esquerda, height=0.62, color=cores[parte], edgecolor=COR["papel"],
                      label=parte if linha == 0 and any(c[parte] for c in contagens.values()) else None)
            if fatia >= 6:
                cor = COR["papel"] if parte == "atenção" else COR["tinta"]
                eixo.text(esquerda + fatia / 2, linha, porcento(quantos / total), ha="center", va="center", fontsize=FONTE, color=cor)
            esquerda += fatia
    nomes = [f"{nome}\n{numero(sum(p.values()) / 1e6)} mi" for nome, p in contagens.items()]
    eixo.set_yticks(range(len(contagens)), nomes, fontsize=FONTE)
    eixo.invert_yaxis()
    eixo.set_xlim(0, 100)
    _nomear(eixo, "Onde moram os parâmetros", "% dos parâmetros")
    figura.legend(loc="outside lower center", ncols=3, fontsize=FONTE - 1, frameon=False)
    maiores = [(nome, max(partes, key=partes.get), partes) for nome, partes in contagens.items()]
    figura.legenda = "A maior parte dos parâmetros: " + "; ".join(
        f"em {nome}, {maior}, {porcento(partes[maior] / sum(partes.values()))}" for nome, maior, partes in maiores) + "."
    return figura


def _lista(tabela):
    """Tensor, array ou lista -> listas do Python."""
    return tabela.tolist() if hasattr(tabela, "tolist") else tabela


def visivel(palavra):
    """Uma palavra como se escreve numa figura: a quebra de linha vira uma seta."""
    return palavra.replace("\n", "↵")


def _rotulos(palavras):
    return [visivel(palavra) for palavra in palavras]


def vetores(palavras, quadros):
    """Tabelas de vetores lado a lado: uma linha por token, uma coluna por número, a cor diz o valor.

    `palavras`: T rótulos; `quadros`: {título: tabela (T, C)}, todas na mesma escala de cor.
    """
    quadros = {titulo: _lista(tabela) for titulo, tabela in quadros.items()}
    maior = max(abs(n) for tabela in quadros.values() for linha in tabela for n in linha)
    figura, eixos = _figura(3.6 * len(quadros) + 1, 0.36 * len(palavras) + 1.4, 1, len(quadros), sharey=True)
    for eixo, (titulo, tabela) in zip(eixos[0], quadros.items(), strict=True):
        imagem = eixo.imshow(tabela, cmap="PuOr", vmin=-maior, vmax=maior, aspect="auto")
        _nomear(eixo, titulo, "números do vetor", tamanho=FONTE + 1)
        eixo.set_xticks([])
        eixo.set_yticks(range(len(palavras)), _rotulos(palavras), fontsize=FONTE)
    figura.colorbar(imagem, ax=eixos[0].tolist(), shrink=0.9).ax.tick_params(labelsize=FONTE - 1)
    _, quadro, t = max((abs(n), titulo, t) for titulo, tabela in quadros.items() for t, linha in enumerate(tabela) for n in linha)
    figura.legenda = (f"{len(palavras)} tokens, {len(tabela[0])} números cada um; o maior em tamanho, {_n(maior)}, está no quadro "
                      f"«{quadro}», na linha «{visivel(palavras[t])}».")
    return figura


def cossenos(palavras, tabela):
    """Quanto as palavras se parecem: o cosseno entre os vetores de cada par.

    `tabela`: um vetor por palavra, (n, C). O número vai escrito de 0,3 em diante.
    """
    tamanhos = [sum(a * a for a in u) ** 0.5 for u in _lista(tabela)]
    unitarios = [[a / tamanho for a in u] for u, tamanho in zip(_lista(tabela), tamanhos, strict=True)]
    pares = [[sum(a * b for a, b in zip(u, v, strict=True)) for v in unitarios] for u in unitarios]
    figura, eixo = _quadro(0.62 * len(palavras) + 2.6, 0.5 * len(palavras) + 1.8)
    imagem = eixo.imshow(pares, cmap="PuOr", vmin=-1, vmax=1, aspect="auto")
    for i, linha in enumerate(pares):
        for j, cosseno in enumerate(linha):
            if i != j and cosseno >= 0.3:
                _escrever(eixo, j, i, _n(cosseno, 1), imagem, FONTE - 1)
    eixo.set_xticks(range(len(palavras)), _rotulos(palavras), fontsize=FONTE, rotation=90)
    eixo.set_yticks(range(len(palavras)), _rotulos(palavras), fontsize=FONTE)
    escala = figura.colorbar(imagem, ax=eixo, ticks=[-1, -0.5, 0, 0.5, 1], format=lambda v, _: _n(v, 1))
    escala.set_label("cosseno", fontsize=FONTE)
    i, j = max(((i, j) for i in range(len(pares)) for j in range(i)), key=lambda par: pares[par[0]][par[1]])
    figura.legenda = f"O par mais parecido é «{palavras[j]}» e «{palavras[i]}», com cosseno {_n(pares[i][j])}."
    return figura


def mascara(palavras, permitido):
    """Quem pode olhar para quem: uma linha por token que olha, uma coluna por token olhado.

    `palavras`: T rótulos; `permitido`: tabela (T, T) de verdadeiro ou falso.
    """
    permitido, T = _lista(permitido), len(palavras)
    figura, eixo = _quadro(0.75 * T + 2, 0.6 * T + 1.6)
    imagem = eixo.imshow(permitido, cmap=_rampa(COR["atencao"]), vmin=0, vmax=1, aspect="auto")
    for i in range(T):
        for j in range(T):
            _escrever(eixo, j, i, "vê" if permitido[i][j] else "×", imagem)
    eixo.set_xticks(range(T), _rotulos(palavras), fontsize=FONTE)
    eixo.set_yticks(range(T), _rotulos(palavras), fontsize=FONTE)
    eixo.xaxis.tick_top()
    _nomear(eixo, "token olhado", y="token que olha", tamanho=FONTE)
    figura.legenda = (f"{sum(map(sum, permitido))} dos {T * T} pares são permitidos: o primeiro token, «{visivel(palavras[0])}», "
                      f"vê {sum(permitido[0])}, e o último, «{visivel(palavras[-1])}», vê {sum(permitido[-1])}.")
    return figura


def atencao(palavras, pesos, linhas=None, titulo=""):
    """Para onde vai a atenção: uma coluna por palavra olhada; quanto mais escuro, mais atenção.

    De 10% em diante, o número vai escrito na célula.
    `palavras`: T rótulos; `pesos`: tabela (n, T) de 0 a 1; `linhas`: n rótulos (cabeças ou tokens que
    olham; sem eles, as próprias palavras).
    """
    pesos, linhas = _lista(pesos), linhas or palavras
    figura, eixo = _quadro(max(6.0, 0.34 * len(palavras) + 2.2), 0.5 * len(linhas) + 2.6)
    maior = max(map(max, pesos))
    imagem = eixo.imshow(pesos, cmap=_rampa(COR["atencao"]), vmin=0, vmax=maior, aspect="auto")
    for i, linha in enumerate(pesos):
        for j, peso in enumerate(linha):
            if peso >= 0.1:
                _escrever(eixo, j, i, f"{100 * peso:.0f}", imagem, FONTE - 1)
    eixo.set_xticks(range(len(palavras)), _rotulos(palavras), fontsize=FONTE, rotation=90)
    eixo.set_yticks(range(len(linhas)), _rotulos(linhas), fontsize=FONTE)
    eixo.set_title(titulo, fontsize=FONTE + 1)
    figura.colorbar(imagem, ax=eixo, format=lambda v, _: porcento(v)).set_label("atenção", fontsize=FONTE)
    pares = [(i, j) for i in range(len(pesos)) for j in range(len(palavras)) if i != j or linhas is not palavras]
    i, j = max(pares or [(0, 0)], key=lambda par: pesos[par[0]][par[1]])
    figura.legenda = f"O maior peso: na linha «{visivel(linhas[i])}», {porcento(pesos[i][j])} em «{visivel(palavras[j])}», o token {j}."
    return figura


def descida(perda, caminho):
    """A perda de um peso só, e os pontos por onde a descida passou. `perda`: função do peso; `caminho`: os pesos, em ordem."""
    figura, eixo = _quadro(7, 3.6)
    centro, raio = (caminho[0] + caminho[-1]) / 2, 1.2 * max(abs(w - caminho[0]) for w in caminho)
    pesos = [centro + raio * (i / 50 - 1) for i in range(101)]
    eixo.plot(pesos, [perda(w) for w in pesos], color=COR["apagado"], linewidth=2)
    eixo.plot(caminho, [perda(w) for w in caminho], color=COR["atencao"], marker="o", linewidth=1.5)
    for i, w in enumerate(caminho):
        eixo.annotate(str(i), (w, perda(w)), xytext=(7, 7), textcoords="offset points", fontsize=FONTE)
    _nomear(eixo, x="peso", y="perda", grade=True)
    figura.legenda = (f"Em {len(caminho) - 1} passos o peso vai de {_n(caminho[0])} a {_n(caminho[-1])}, "
                      f"e a perda, de {_n(perda(caminho[0]))} a {_n(perda(caminho[-1]))}.")
    return figura


def ritmo(fracoes):
    """A parte da taxa de aprendizado usada em cada passo. `fracoes`: uma por passo."""
    figura, eixo = _quadro(7, 3)
    eixo.plot(range(1, len(fracoes) + 1), fracoes, color=COR["atencao"], linewidth=2)
    eixo.set_ylim(0, 1.08 * max(fracoes))
    eixo.yaxis.set_major_formatter(lambda v, _: _n(v, 1))
    _nomear(eixo, x="passo", y="fração da taxa", grade=True)
    topo = fracoes.index(max(fracoes)) + 1
    figura.legenda = f"A taxa chega ao máximo no passo {topo} de {len(fracoes)}; no último, é {_n(fracoes[-1], 3)} do máximo."
    return figura


def curva_de_treino(passos, limite, perda_ao_acaso, piso):
    """A perda passo a passo contra o limite exato; à direita, quanto falta, em escala logarítmica.

    `passos`: lista de `Step`; `limite` da gramática, `perda_ao_acaso` (ln V) e `piso`, a surpresa média das
    próprias histórias de validação: tudo em nats por token.
    """
    figura, eixos = _figura(11, 4.6, colunas=2)
    onde = [p.step for p in passos]
    medidos = [(p.step, p.val_loss) for p in passos if p.val_loss is not None]
    perda, falta = eixos[0]
    perda.plot(onde, [p.train_loss for p in passos], color=COR["apagado"], linewidth=1, label="lote de treino")
    perda.plot(*zip(*medidos), color=COR["atencao"], marker="o", linewidth=2, label="validação")
    perda.axhline(perda_ao_acaso, color=COR["tinta"], linestyle=":", label=f"ao acaso: {numero(perda_ao_acaso, 2)}")
    perda.axhline(limite, color=COR["saida"], linestyle="--", linewidth=2, label=f"limite: {numero(limite, 3)}")
    perda.set_ylim(bottom=0)
    _nomear(perda, "A perda desce até o limite", "passo", "nats por token", grade=True)
    perda.legend(fontsize=FONTE - 1, frameon=False)
    falta.plot([s for s, _ in medidos], [v - piso for _, v in medidos], color=COR["atencao"], marker="o", linewidth=2)
    falta.set_yscale("log")
    _nomear(falta, "Quanto falta, na validação", "passo", "nats por token acima do melhor possível", grade=True)
    (antes, primeira), (depois, ultima) = medidos[0], medidos[-1]
    figura.legenda = (f"Na validação, a perda vai de {_n(primeira)} no passo {antes} a {_n(ultima, 3)} no passo {depois}; "
                      f"no fim faltam {_n(ultima - piso, 4)} nat por token.")
    return figura


def ativacoes(x, curvas, inclinacoes):
    """Curvas de ativação (à esquerda) e a inclinação de cada uma (à direita).

    `x`: n pontos; `curvas` e `inclinacoes`: {nome: n números}; a primeira é a do feedforward, as demais,
    a comparação.
    """
    figura, eixos = _figura(11, 4.4, colunas=2)
    quadros = (
        ("O que passa", "saída", curvas),
        ("A inclinação", "quanto a saída muda com a entrada", inclinacoes),
    )
    for eixo, (titulo, rotulo, linhas) in zip(eixos[0], quadros, strict=True):
        eixo.axhline(0, color="#CCCCCC", linewidth=1)
        eixo.axvline(0, color="#CCCCCC", linewidth=1)
        for i, (nome, y) in enumerate(linhas.items()):
            estilo = {"color": COR["tinta"], "linestyle": "--", "linewidth": 2, "zorder": 3}
            if i == 0:
                estilo = {"color": COR["feedforward"], "linewidth": 3.5}
            eixo.plot(_lista(x), _lista(y), label=nome, **estilo)
        _nomear(eixo, titulo, "entrada", rotulo)
        eixo.set_xlim(-4, 4)
        eixo.yaxis.set_major_formatter(lambda v, _: numero(v))
    eixos[0, 0].set_ylim(-0.5, 4)
    eixos[0, 0].legend(fontsize=FONTE, frameon=False, loc="upper left")
    x, fundos = _lista(x), {nome: min(enumerate(_lista(y)), key=lambda ponto: ponto[1]) for nome, y in curvas.items()}
    figura.legenda = "; ".join(
        f"{nome} desce até {_n(fundo)}" + (f", em x = {_n(x[i])}" if fundo else "") for nome, (i, fundo) in fundos.items()) + "."
    return figura


def retas_e_dobras(x, linhas, pontos, titulo=""):
    """Linhas que tentam passar acima de zero nos pontos certos e abaixo de zero nos errados; a última é a grossa.

    `x`: n números; `linhas`: {nome: n números}; `pontos`: [(rótulo, x, resposta que se quer)].
    """
    figura, eixo = _quadro(8, 4.4)
    x, estilos = _lista(x), [("--", COR["atencao"]), ("-.", COR["residual"]), (":", COR["norm"])]
    eixo.axhline(0, color="#CCCCCC", linewidth=1)
    certas = {}
    for i, (nome, y) in enumerate(linhas.items(), start=1):
        traco, cor = estilos[(i - 1) % len(estilos)]
        y, ultima = _lista(y), i == len(linhas)
        eixo.plot(x, y, label=nome, linestyle="-" if ultima else traco, color=COR["feedforward"] if ultima else cor, linewidth=3.5 if ultima else 2.2)
        lidas = [(y[min(range(len(x)), key=lambda k: abs(x[k] - onde))], quer) for _, onde, quer in pontos]
        certas[nome] = sum(y_ali * quer > 0 for y_ali, quer in lidas)
    for rotulo, onde, quer in pontos:
        eixo.plot([onde], [quer], marker="o" if quer > 0 else "X", markersize=11, color=COR["tinta"], zorder=4)
        eixo.annotate(rotulo, (onde, quer), xytext=(0, 12 if quer > 0 else -24), textcoords="offset points", ha="center", fontsize=FONTE,
                      zorder=3, bbox={"facecolor": COR["papel"], "edgecolor": "none", "pad": 1.5, "alpha": 0.9})
    _nomear(eixo, titulo, "a + b", "resposta")
    for lado in (eixo.xaxis, eixo.yaxis):
        lado.set_major_formatter(lambda v, _: _n(v, 0))
    eixo.set_ylim(-3, 3)
    eixo.legend(fontsize=FONTE - 1, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    figura.legenda = "; ".join(f"«{nome}» fica do lado certo em {n} dos {len(pontos)} pontos" for nome, n in certas.items()) + "."
    return figura


def variancia_dos_pontos(tamanhos, variancias, maiores):
    """O que a escala faz com os pontos e com os pesos da atenção, para cada tamanho de cabeça.

    `tamanhos`: n valores de hs; `variancias` dos pontos e `maiores` pesos (média, de 0 a 1): {nome: n números},
    a última curva é a da escala.
    """
    figura, eixos = _figura(11, 4.4, colunas=2)
    quadros = (("A variância dos pontos", "variância", variancias), ("O maior peso, em média", "peso", maiores))
    for eixo, (titulo, rotulo, curvas) in zip(eixos[0], quadros, strict=True):
        for i, (nome, valores) in enumerate(curvas.items(), start=1):
            cor, marca = (COR["atencao"], "o") if i == len(curvas) else (COR["saida"], "s")
            eixo.plot(tamanhos, valores, color=cor, marker=marca, markersize=8, linewidth=2.5, label=nome)
        eixo.set_xscale("log", base=2)
        eixo.set_xticks(tamanhos, [str(hs) for hs in tamanhos])
        _nomear(eixo, titulo, "hs, os números de cada cabeça", rotulo, grade=True)
    eixos[0, 0].set_yscale("log", base=2)
    eixos[0, 0].yaxis.set_major_formatter(lambda v, _: _n(v, 0 if v >= 1 else 2))
    eixos[0, 1].set_ylim(0, 1)
    eixos[0, 1].yaxis.set_major_formatter(lambda v, _: porcento(v))
    eixos[0, 0].legend(fontsize=FONTE, frameon=False)
    figura.legenda = f"Com hs = {tamanhos[-1]}: " + "; ".join(
        f"{nome}, variância {_n(variancias[nome][-1], 1)} e maior peso {porcento(maiores[nome][-1])}" for nome in variancias) + "."
    return figura


def _barras(eixo, linhas, cor, titulo, escrever, contorno=()):
    """Barras deitadas, uma por (nome, valor), com o valor escrito ao lado; `contorno`: outro valor para cada uma."""
    valores = [valor for _, valor in linhas]
    eixo.barh(range(len(linhas)), valores, color=cor, height=0.72)
    eixo.barh(range(len(contorno)), contorno, height=0.72, facecolor="none", edgecolor=COR["tinta"], linewidth=1.2)
    for i, valor in enumerate(valores):
        ponta = max(0, valor, *contorno[i : i + 1])
        eixo.annotate(escrever(valor), (ponta, i), xytext=(5, 0), textcoords="offset points", va="center", fontsize=FONTE)
    _deitar(eixo, _rotulos([nome for nome, _ in linhas]))
    eixo.set_xlim(min(0, *valores), 1.22 * max(*valores, 1e-9))
    eixo.set_title(titulo, fontsize=FONTE + 1)


def neuronio(acende, empurra, nome=""):
    """A que um neurônio responde, e o que ele escreve.

    `acende` e `empurra`: listas de (palavra, número), da maior para a menor: quanto o neurônio acende, em média,
    quando o token é aquela palavra; e quanto o vetor que ele escreve pende para cada palavra da saída.
    """
    figura, eixos = _figura(11, 0.42 * max(len(acende), len(empurra)) + 1.5, colunas=2)
    _barras(eixos[0, 0], acende, COR["feedforward"], "acende quando lê…", lambda v: _n(v, 1))
    _barras(eixos[0, 1], empurra, COR["saida"], "…e empurra para a saída", lambda v: _n(v, 1))
    figura.suptitle(nome, fontsize=FONTE + 2)
    (palavra, aceso), (saida, _) = acende[0], empurra[0]
    figura.legenda = (f"A palavra que mais o acende é «{visivel(palavra)}», {_n(aceso, 1)} em média; "
                      f"a que ele mais empurra é «{visivel(saida)}».")
    return figura


def formas(etapas):
    """As formas por dentro: uma coluna por etapa, tão alta quantos são os números de cada token.

    `etapas`: [(nome, forma (B, T, n), peça)], na ordem em que acontecem; a peça é uma chave de `COR`.
    """
    figura, eixo = _quadro(1.55 * len(etapas) + 0.8, 4.6)
    maior = max(forma[-1] for _, forma, _ in etapas)
    for i, (_, forma, peca) in enumerate(etapas):
        eixo.bar(i, forma[-1], width=0.5, color=COR[peca])
        eixo.text(i, forma[-1] + 0.03 * maior, ", ".join(map(str, forma)).join("()"), ha="center", va="bottom", fontsize=FONTE)
        if i:
            eixo.annotate("", (i - 0.3, 0.06 * maior), (i - 0.7, 0.06 * maior),
                          arrowprops={"arrowstyle": "-|>", "color": COR["tinta"], "linewidth": 1.5, "shrinkA": 0, "shrinkB": 0})
    eixo.set_xticks(range(len(etapas)), [nome.replace(" ", "\n") for nome, _, _ in etapas], fontsize=FONTE)
    eixo.set_ylim(0, 1.15 * maior)
    eixo.set_yticks([])
    eixo.spines["left"].set_visible(False)
    _nomear(eixo, "As formas (B, T, números), etapa por etapa", y="números por token")
    numeros = [forma[-1] for _, forma, _ in etapas]
    figura.legenda = (f"Cada token entra com {numeros[0]} números, chega a ter {maior} "
                      f"(em «{etapas[numeros.index(maior)][0]}») e sai com {numeros[-1]}.")
    return figura


def lente(palavras, paradas, previstas, chances):
    """A palavra prevista depois de cada parada do caminho: uma linha por parada, uma coluna por token lido.

    `palavras`: T rótulos; `paradas`: n rótulos, a última é a saída do modelo; `previstas`: tabela (n, T) de
    palavras; `chances`: a de cada uma, (n, T), de 0 a 1.
    """
    chances = _lista(chances)
    figura, eixo = _quadro(1.08 * len(palavras) + 2.4, 0.5 * len(paradas) + 1.5)
    imagem = eixo.imshow(chances, cmap=_rampa(COR["saida"]), vmin=0, vmax=1, aspect="auto")
    for i, linha in enumerate(previstas):
        for j, palavra in enumerate(_rotulos(linha)):
            _escrever(eixo, j, i, palavra, imagem, FONTE if len(palavra) <= 9 else FONTE - 1)
    eixo.set_xticks(range(len(palavras)), _rotulos(palavras), fontsize=FONTE)
    eixo.xaxis.tick_top()
    eixo.set_yticks(range(len(paradas)), paradas, fontsize=FONTE)
    eixo.tick_params(length=0)
    eixo.set_title("depois de ler…", fontsize=FONTE)
    final = previstas[-1][-1]
    desde = next(i for i in range(len(paradas)) if all(linha[-1] == final for linha in previstas[i:]))
    ate_la = f"; no começo do caminho, a mais provável era «{visivel(previstas[0][-1])}»" if desde else ""
    figura.legenda = (f"Depois de «{visivel(palavras[-1])}», o modelo prevê «{visivel(final)}», com {porcento(chances[-1][-1])}. "
                      f"É a mais provável desde a parada «{paradas[desde]}»{ate_la}.")
    return figura


def proxima_palavra(palavras, antes, quadros):
    """As chances da próxima palavra, como saem do modelo (contorno) e com os botões mexidos (cheias).

    `palavras`: n rótulos, da mais provável à menos; `antes`: a chance de cada uma com temperatura 1 e sem corte;
    `quadros`: {título: n chances}.
    """
    antes, quadros = _lista(antes), {titulo: _lista(depois) for titulo, depois in quadros.items()}
    figura, eixos = _figura(3.4 * len(quadros) + 1.2, 0.42 * len(palavras) + 1.4, 1, len(quadros), sharey=True)
    for eixo, (titulo, depois) in zip(eixos[0], quadros.items(), strict=True):
        _barras(eixo, list(zip(palavras, depois, strict=True)), COR["saida"], titulo, lambda v: porcento(v) if v else "fora", antes)
        eixo.set_xlim(0, 1.3 * max(max(antes), *map(max, quadros.values())))
    primeira = visivel(palavras[0])
    figura.legenda = f"«{primeira}» sai do modelo com {porcento(antes[0])} de chance; " + "; ".join(
        f"com {titulo}, {porcento(depois[0])}" for titulo, depois in quadros.items()) + "."
    return figura


def boletins(lotes):
    """Um ou mais boletins lado a lado: uma linha por nota, uma barra por lote; hachurado, o que não se pôde julgar.

    `lotes`: {nome: `Boletim`}, com as mesmas notas.
    """
    tons = ["#8A3C00", COR["saida"], "#F0A878", COR["apagado"]]
    notas = sorted(next(iter(lotes.values())).notas, key=lambda nota: (nota.startswith("mantém"), nota))
    figura, eixo = _quadro(10, (0.3 * len(lotes) + 0.3) * len(notas) + 1.5)
    altura = 0.8 / len(lotes)
    for i, ((nome, boletim), tom) in enumerate(zip(lotes.items(), tons, strict=False)):
        onde = [linha + (i - (len(lotes) - 1) / 2) * altura for linha in range(len(notas))]
        certas, duvidas = ([100 * quadro.get(nota, 0) for nota in notas] for quadro in (boletim.notas, boletim.sem_juizo))
        eixo.barh(onde, certas, height=0.9 * altura, color=tom, label=nome)
        eixo.barh(onde, duvidas, left=certas, height=0.9 * altura, facecolor="none", edgecolor=tom, hatch="////")
        for y, certa in zip(onde, certas, strict=True):
            eixo.text(101, y, f"{numero(certa, 0)}%", va="center", fontsize=FONTE)
    _deitar(eixo, notas)
    eixo.set_xlim(0, 110)
    eixo.set_title("O boletim (hachurado: sem juízo)", fontsize=FONTE + 2)
    figura.legend(loc="outside lower center", ncols=len(lotes), fontsize=FONTE, frameon=False)
    outras = [nota for nota in notas if nota != "derivável"]
    piores = {nome: min(outras, key=lambda nota: b.notas[nota]) for nome, b in lotes.items()}
    figura.legenda = "; ".join(
        f"{nome}: {porcento(b.notas['derivável'])} deriváveis; das outras notas, a mais baixa é «{piores[nome]}», "
        f"{porcento(b.notas[piores[nome]])}" for nome, b in lotes.items()) + "."
    return figura


def _por_camada(curvas, titulo, rotulo, eixo, escala, primeiro):
    """Uma curva por modo de empilhar; a da peça em estudo é a última de `curvas`."""
    figura, quadro = _quadro(9, 4.4)
    em_estudo = list(curvas)[-1] if len(curvas) > 1 else None      # uma só: a cor de quem está sem a peça
    for nome, valores in curvas.items():
        onde = range(primeiro, primeiro + len(valores))
        cor = COR["residual"] if nome == em_estudo else COR["saida"]
        marca = "o" if nome == em_estudo else "s"
        quadro.plot(onde, valores, color=cor, marker=marca, markersize=5, linewidth=2, label=nome)
    quadro.set_yscale(escala)
    if escala == "linear":
        quadro.set_ylim(bottom=0)
        quadro.yaxis.set_major_formatter(lambda v, _: numero(v, 2))
    _nomear(quadro, titulo, eixo, rotulo, grade=True)
    quadro.legend(fontsize=FONTE, frameon=False)
    figura.legenda = f"{titulo}, do começo ao fim da pilha: " + "; ".join(
        f"{nome}, de {_n(valores[0])} a {_n(valores[-1])}" for nome, valores in curvas.items()) + "."
    return figura


def sinal_por_camada(curvas, eixo="camadas atravessadas", escala="log", primeiro=0):
    """O tamanho do sinal depois de cada camada, na ida. `curvas`: {nome: um número por camada}."""
    return _por_camada(curvas, "O sinal, na ida", "tamanho do sinal", f"{eixo}\no sinal anda para a direita →", escala, primeiro)


def gradiente_por_camada(curvas, eixo="camadas atravessadas", escala="log", primeiro=0):
    """O tamanho do gradiente em cada camada, na volta. `curvas`: {nome: um número por camada}."""
    titulo = "O gradiente, na volta"
    return _por_camada(curvas, titulo, "tamanho do gradiente", f"{eixo}\n← o gradiente anda para a esquerda", escala, primeiro)


def temperaturas(quadros, temperaturas):
    """A chance das palavras mais prováveis em cada temperatura: uma linha por palavra, uma coluna por temperatura.

    `quadros`: {título: (n palavras, tabela (n, k) de 0 a 1)}; `temperaturas`: k números.
    """
    altura = 0.45 * max(len(palavras) for palavras, _ in quadros.values()) + 1.6
    figura, eixos = _figura(4.6 * len(quadros), altura, 1, len(quadros))
    for eixo, (titulo, (palavras, tabela)) in zip(eixos[0], quadros.items(), strict=True):
        tabela = _lista(tabela)
        imagem = eixo.imshow(tabela, cmap=_rampa(COR["saida"]), vmin=0, vmax=1, aspect="auto")
        for i, linha in enumerate(tabela):
            for j, chance in enumerate(linha):
                _escrever(eixo, j, i, porcento(chance), imagem)
        eixo.set_xticks(range(len(temperaturas)), map(numero, temperaturas), fontsize=FONTE)
        eixo.set_yticks(range(len(palavras)), _rotulos(palavras), fontsize=FONTE)
        _nomear(eixo, titulo, "temperatura", tamanho=FONTE + 1)
    figura.legenda = "; ".join(
        f"{titulo}: «{visivel(palavras[0])}» tem {porcento(_lista(tabela)[0][0])} com temperatura {_n(temperaturas[0], 1)} "
        f"e {porcento(_lista(tabela)[0][-1])} com {_n(temperaturas[-1], 1)}" for titulo, (palavras, tabela) in quadros.items()) + "."
    return figura


def bancada(ensaios, pecas, teto=0.6):
    """O que cada falta custa, uma linha por variante: à esquerda o excesso, à direita o boletim.

    `ensaios`: {nome: (excesso em nats por token, {coluna: nota de 0 a 1, ou None se não houve o que julgar})};
    `pecas`: {nome: chave de COR, a peça mexida}. Barra maior que `teto` é cortada; o número ao lado diz quanto vale.
    """
    colunas = list(next(iter(ensaios.values()))[1])
    figura, eixos = _figura(14, 0.5 * len(ensaios) + 1.6, 1, 2, gridspec_kw={"width_ratios": [2, 3]})
    barras, notas = eixos[0]
    tabela = [[nota or 0 for nota in boletim.values()] for _, boletim in ensaios.values()]
    imagem = notas.imshow(tabela, cmap=_rampa(COR["atencao"]), vmin=0, vmax=1, aspect="auto")
    for i, (nome, (excesso, boletim)) in enumerate(ensaios.items()):
        barras.barh(i, max(-teto, min(excesso, teto)), height=0.7, color=COR[pecas[nome]])
        barras.text(max(0, min(excesso, teto)) + 0.02, i, numero(excesso, 3), va="center", fontsize=FONTE + 1)
        for j, nota in enumerate(boletim.values()):
            _escrever(notas, j, i, "–" if nota is None else f"{100 * nota:.0f}", imagem, FONTE + 2)
    barras.axvline(0, color=COR["tinta"], linewidth=1.5)
    _deitar(barras, ensaios)
    barras.set_xlim(-0.35, teto + 0.2)
    barras.spines["left"].set_visible(False)
    barras.set_title("excesso: nats por token acima do limite", fontsize=FONTE + 1)
    notas.set_xticks(range(len(colunas)), colunas, fontsize=FONTE)
    notas.xaxis.tick_top()
    notas.set_yticks([])
    notas.spines[["bottom", "left"]].set_visible(False)
    notas.tick_params(length=0)
    notas.set_xlabel("boletim: % de acerto («–»: não houve o que julgar)", fontsize=FONTE)
    menor, maior = (f(ensaios, key=lambda nome: ensaios[nome][0]) for f in (min, max))
    figura.legenda = (f"O maior excesso é o de «{maior}», {_n(ensaios[maior][0], 3)} nat por token acima do limite; "
                      f"o menor, o de «{menor}», {_n(ensaios[menor][0], 3)}.")
    return figura


def gradiente_por_bloco(quadros, piso=1e-12):
    """O tamanho do gradiente em cada bloco de uma pilha, um quadro por sorteio dos pesos.

    `quadros`: {título: {nome: um número por bloco}}, com os mesmos nomes; abaixo de `piso` (zero também), fica no piso.
    """
    estilos = [(COR["residual"], "-"), (COR["residual"], ":"), (COR["norm"], "--"), (COR["apagado"], "-.")]
    figura, eixos = _figura(6 * len(quadros), 4.8, 1, len(quadros), sharey=True)
    for eixo, (titulo, curvas) in zip(eixos[0], quadros.items(), strict=True):
        for (nome, valores), (cor, traco) in zip(curvas.items(), estilos, strict=False):
            eixo.plot(range(1, len(valores) + 1), [max(v, piso) for v in valores], color=cor, linestyle=traco,
                      linewidth=3, label=nome)
        eixo.set_yscale("log")
        _nomear(eixo, titulo, "bloco", "tamanho do gradiente" if eixo is eixos[0, 0] else "", grade=True)
    figura.legend(*eixos[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=len(estilos),
                  fontsize=FONTE, frameon=False)
    figura.legenda = "Do primeiro ao último bloco. " + " ".join(
        f"{titulo}: " + "; ".join(f"{nome}, de {_n(v[0])} a {_n(v[-1])}" for nome, v in curvas.items()) + "."
        for titulo, curvas in quadros.items())
    return figura


def custo_por_token(curvas, contexto):
    """{nome: milissegundos de cada passo}: quanto custa o próximo token, com e sem cache, antes e depois de encher a janela."""
    figura, eixo = _quadro(8, 4)
    for (nome, tempos), cor in zip(curvas.items(), (COR["saida"], COR["atencao"])):
        eixo.plot(range(1, len(tempos) + 1), tempos, color=cor, label=nome, lw=2)
    eixo.axvline(contexto, color=COR["apagado"], ls=":")
    eixo.set_yscale("log")
    _nomear(eixo, x="tokens já escritos", y="ms por token novo")
    eixo.legend(fontsize=FONTE - 1, frameon=False)
    # A mediana de alguns vizinhos: um só passo pode ter sido atrasado por outro programa.
    dentro = {nome: (median(tempos[contexto // 8 - 8 : contexto // 8 + 8]), median(tempos[contexto - 18 : contexto - 2]))
              for nome, tempos in curvas.items()}
    figura.legenda = "Do início ao fim da janela, o token novo passa " + "; ".join(
        f"de {_n(a, 1)} a {_n(b, 1)} ms ({nome})" for nome, (a, b) in dentro.items()) + "."
    return figura


def custo_do_treino(tempos):
    """Quanto custa treinar cada token conforme a janela. `tempos`: {tamanho da janela: microssegundos por token}."""
    figura, eixo = _quadro(8, 3.6)
    eixo.plot(list(tempos), list(tempos.values()), color=COR["atencao"], marker="o", linewidth=3)
    eixo.set_xticks(list(tempos))
    eixo.set_ylim(0, 1.15 * max(tempos.values()))
    _nomear(eixo, x="tokens na janela de treino", y="µs por token, ida e volta", grade=True)
    (curta, barato), *_, (longa, caro) = tempos.items()
    figura.legenda = f"Um token custa {_n(barato, 0)} µs numa janela de {curta} e {_n(caro, 0)} µs numa de {longa}: {_n(caro / barato, 1)} vezes."
    return figura


def perda_ao_vivo(passos, limite, steps):
    """A perda dos lotes até agora, contra o limite exato. `passos`: lista de `Step`; `steps`: até onde o treino vai."""
    figura, eixo = _quadro(8, 3.6)
    eixo.plot([p.step for p in passos], [p.train_loss for p in passos], color=COR["atencao"], linewidth=1.5, label="lote de treino")
    eixo.axhline(limite, color=COR["saida"], linestyle="--", linewidth=2, label=f"limite: {_n(limite, 3)}")
    eixo.set_xlim(0, steps)
    eixo.set_ylim(0, max([limite, *(p.train_loss for p in passos)]) * 1.05)
    _nomear(eixo, x="passo", y="nats por token")
    eixo.yaxis.set_major_formatter(lambda v, _: _n(v, 1))
    eixo.legend(fontsize=FONTE - 1, frameon=False)
    figura.legenda = (f"Passo {passos[-1].step} de {steps}: a perda do lote é {_n(passos[-1].train_loss)}, e o limite, {_n(limite, 3)}."
                      if passos else f"Nenhum passo ainda, de {steps}; o limite é {_n(limite, 3)} nat por token.")
    return figura


def corrida(curvas, alvo):
    """A perda de cada lote contra o relógio. `curvas`: {nome: [(segundos, perda)]}; `alvo`: a perda a alcançar."""
    figura, eixo = _quadro(9, 4.5)
    fim = {}
    for (nome, curva), cor in zip(curvas.items(), [COR["saida"], COR["atencao"]][-len(curvas):], strict=True):
        # A média de uns vizinhos: a perda de um lote só treme demais.
        janela = max(1, len(curva) // 25)
        medias = [(curva[i][0], sum(p for _, p in curva[i - janela + 1 : i + 1]) / janela) for i in range(janela - 1, len(curva))]
        eixo.plot(*zip(*medias), color=cor, linewidth=3, label=nome)
        fim[nome] = medias[-1]
    eixo.axhline(alvo, color=COR["tinta"], linestyle="--", linewidth=2, label=f"alvo: {_n(alvo, 3)}")
    eixo.set_xscale("log")
    eixo.xaxis.set_major_formatter(lambda v, _: formatado(v, ",g"))
    _nomear(eixo, x="segundos de treino (cada marca vale dez vezes a anterior)", y="nats por letra, no lote")
    eixo.yaxis.set_major_formatter(lambda v, _: _n(v, 1))
    eixo.legend(fontsize=FONTE, frameon=False)
    figura.legenda = "A média dos últimos lotes: " + "; ".join(
        f"{nome}, {_n(perda)} aos {_n(segundos, 1)} s" for nome, (segundos, perda) in fim.items()) + ". O alvo, esse, se mede na validação."
    return figura


def escada(tempos):
    """Segundos até o alvo, um degrau por linha. `tempos`: {nome: segundos}; o primeiro é a referência."""
    referencia, *degraus = tempos
    figura, eixo = _quadro(9, 0.5 * len(tempos) + 1.2)
    for i, (nome, segundos) in enumerate(tempos.items()):
        if segundos == float("inf"):
            eixo.text(0, i, " não chegou", va="center", fontsize=FONTE)
            continue
        eixo.barh(i, segundos, height=0.7, color=COR["saida" if nome == referencia else "atencao"])
        vezes = "" if nome == referencia else f" ({_n(tempos[referencia] / segundos, 1)}×)"
        eixo.text(segundos, i, f" {_n(segundos, 1)} s{vezes}", va="center", fontsize=FONTE)
    _deitar(eixo, [referencia, *("forma" if nome == "forma" else f"+ {nome}" for nome in degraus)], FONTE)
    eixo.set_xlim(0, 1.18 * max(s for s in tempos.values() if s < float("inf")))
    eixo.set_title("segundos até o alvo", fontsize=FONTE + 1)
    nome = min(tempos, key=tempos.get)
    figura.legenda = f"A mais rápida é «{nome}»: {_n(tempos[nome], 1)} s, contra {_n(tempos[referencia], 1)} s da referência."
    return figura


def degraus(perdas):
    """A perda de cada modelo, um por linha, e entre quantas palavras ele fica em dúvida (e elevado à perda). `perdas`: {nome: nats por token}."""
    figura, eixo = _quadro(9, 0.62 * len(perdas) + 1)
    # Os últimos degraus são baixos: neles a terceira casa faz diferença, e nos altos nem a primeira da dúvida.
    ditas = {nome: (_n(perda, 2 if perda >= 1 else 3), _n(duvida := math.exp(perda), 0 if duvida >= 100 else 1 if duvida >= 2 else 2))
             for nome, perda in perdas.items()}
    for i, (nome, perda) in enumerate(perdas.items()):
        eixo.barh(i, perda, height=0.66, color=COR["saida" if i == len(perdas) - 1 else "atencao"])
        eixo.text(perda, i, " {}: em dúvida entre {} palavras".format(*ditas[nome]), va="center", fontsize=FONTE)
    _deitar(eixo, list(perdas))
    eixo.set_xlim(0, 1.9 * max(perdas.values()))
    eixo.set_title("perda, em nats por token", fontsize=FONTE + 1)
    figura.legenda = "Perda, em nats por token: " + "; ".join(
        f"{nome}, {perda} (em dúvida entre {duvida} palavras)" for nome, (perda, duvida) in ditas.items()) + "."
    return figura
