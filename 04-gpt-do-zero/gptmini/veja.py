"""Figuras das aulas: funções puras, dados entram e sai uma `Figure`; quem chama decide onde mostrar.

A cor diz a peça, a mesma em todo o curso (paleta de Okabe e Ito, 2008, segura para daltônicos).
"""

import io

from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

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
    """Uma `Figure` que o notebook mostra mesmo sem pyplot carregado."""

    def _repr_png_(self):
        arquivo = io.BytesIO()
        self.savefig(arquivo, format="png")
        return arquivo.getvalue()


def _figura(largura=8.0, altura=4.5, linhas=1, colunas=1, **opcoes):
    """Uma `Figure` sem pyplot (nada fica aberto na memória) e seus eixos."""
    figura = _Desenho(figsize=(largura, altura), dpi=100, layout="constrained", facecolor=COR["papel"])
    eixos = figura.subplots(linhas, colunas, squeeze=False, **opcoes)
    for eixo in eixos.flat:
        eixo.spines[["top", "right"]].set_visible(False)
        eixo.tick_params(labelsize=FONTE - 1)
    return figura, eixos


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
    figura, eixos = _figura(9, 1.6 + 0.9 * len(contagens))
    eixo = eixos[0, 0]
    for linha, partes in enumerate(contagens.values()):
        total, esquerda = sum(partes.values()), 0.0
        for parte, quantos in partes.items():
            fatia = 100 * quantos / total
            eixo.barh(linha, fatia, left=esquerda, height=0.62, color=cores[parte], edgecolor=COR["papel"],
                      label=parte if linha == 0 and any(c[parte] for c in contagens.values()) else None)
            if fatia >= 6:
                cor = COR["papel"] if parte == "atenção" else COR["tinta"]
                eixo.text(esquerda + fatia / 2, linha, f"{fatia:.0f}%", ha="center", va="center", fontsize=FONTE, color=cor)
            esquerda += fatia
    nomes = [f"{nome}\n{sum(p.values()) / 1e6:.1f} mi".replace(".", ",") for nome, p in contagens.items()]
    eixo.set_yticks(range(len(contagens)), nomes, fontsize=FONTE)
    eixo.invert_yaxis()
    eixo.set_xlim(0, 100)
    eixo.set_xlabel("% dos parâmetros", fontsize=FONTE)
    eixo.set_title("Onde moram os parâmetros", fontsize=FONTE + 2)
    figura.legend(loc="outside lower center", ncols=3, fontsize=FONTE - 1, frameon=False)
    return figura


def _lista(tabela):
    """Tensor, array ou lista -> listas do Python."""
    return tabela.tolist() if hasattr(tabela, "tolist") else tabela


def _rotulos(palavras):
    """Palavras como se escrevem num eixo: a quebra de linha vira uma seta."""
    return [palavra.replace("\n", "↵") for palavra in palavras]


def vetores(palavras, quadros):
    """Tabelas de vetores lado a lado: uma linha por token, uma coluna por número, a cor diz o valor.

    `palavras`: T rótulos; `quadros`: {título: tabela (T, C)}, todas na mesma escala de cor.
    """
    quadros = {titulo: _lista(tabela) for titulo, tabela in quadros.items()}
    maior = max(abs(n) for tabela in quadros.values() for linha in tabela for n in linha)
    figura, eixos = _figura(3.6 * len(quadros) + 1, 0.36 * len(palavras) + 1.4, 1, len(quadros), sharey=True)
    for eixo, (titulo, tabela) in zip(eixos[0], quadros.items(), strict=True):
        imagem = eixo.imshow(tabela, cmap="PuOr", vmin=-maior, vmax=maior, aspect="auto")
        eixo.set_title(titulo, fontsize=FONTE + 1)
        eixo.set_xlabel("números do vetor", fontsize=FONTE)
        eixo.set_xticks([])
        eixo.set_yticks(range(len(palavras)), _rotulos(palavras), fontsize=FONTE)
    figura.colorbar(imagem, ax=eixos[0].tolist(), shrink=0.9).ax.tick_params(labelsize=FONTE - 1)
    return figura


def mascara(palavras, permitido):
    """Quem pode olhar para quem: uma linha por token que olha, uma coluna por token olhado.

    `palavras`: T rótulos; `permitido`: tabela (T, T) de verdadeiro ou falso.
    """
    permitido, T = _lista(permitido), len(palavras)
    figura, eixos = _figura(0.75 * T + 2, 0.6 * T + 1.6)
    eixo = eixos[0, 0]
    eixo.imshow(permitido, cmap=_rampa(COR["atencao"]), vmin=0, vmax=1, aspect="auto")
    for i in range(T):
        for j in range(T):
            sinal, cor = ("vê", COR["papel"]) if permitido[i][j] else ("×", COR["apagado"])
            eixo.text(j, i, sinal, ha="center", va="center", color=cor, fontsize=FONTE)
    eixo.set_xticks(range(T), _rotulos(palavras), fontsize=FONTE)
    eixo.set_yticks(range(T), _rotulos(palavras), fontsize=FONTE)
    eixo.xaxis.tick_top()
    eixo.set_title("token olhado", fontsize=FONTE)
    eixo.set_ylabel("token que olha", fontsize=FONTE)
    return figura


def atencao(palavras, pesos, linhas=None, titulo=""):
    """Para onde vai a atenção: uma coluna por palavra olhada; quanto mais escuro, mais atenção.

    De 10% em diante, o número vai escrito na célula.
    `palavras`: T rótulos; `pesos`: tabela (n, T) de 0 a 1; `linhas`: n rótulos (cabeças ou tokens que
    olham; sem eles, as próprias palavras).
    """
    pesos, linhas = _lista(pesos), linhas or palavras
    figura, eixos = _figura(max(6.0, 0.34 * len(palavras) + 2.2), 0.5 * len(linhas) + 2.6)
    eixo = eixos[0, 0]
    maior = max(map(max, pesos))
    imagem = eixo.imshow(pesos, cmap=_rampa(COR["atencao"]), vmin=0, vmax=maior, aspect="auto")
    for i, linha in enumerate(pesos):
        for j, peso in enumerate(linha):
            if peso >= 0.1:
                cor = COR["papel"] if peso > 0.6 * maior else COR["tinta"]
                eixo.text(j, i, f"{100 * peso:.0f}", ha="center", va="center", color=cor, fontsize=FONTE - 1)
    eixo.set_xticks(range(len(palavras)), _rotulos(palavras), fontsize=FONTE, rotation=90)
    eixo.set_yticks(range(len(linhas)), _rotulos(linhas), fontsize=FONTE)
    eixo.set_title(titulo, fontsize=FONTE + 1)
    figura.colorbar(imagem, ax=eixo, format=lambda parte, _: f"{parte:.0%}").set_label("atenção", fontsize=FONTE)
    return figura


def _rampa(cor):
    """Do papel até `cor`: a escala de quem vai de 0 a 1."""
    return LinearSegmentedColormap.from_list("rampa", [COR["papel"], cor])


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
    perda.axhline(perda_ao_acaso, color=COR["tinta"], linestyle=":", label=f"ao acaso: {perda_ao_acaso:.2f}".replace(".", ","))
    perda.axhline(limite, color=COR["saida"], linestyle="--", linewidth=2, label=f"limite: {limite:.3f}".replace(".", ","))
    perda.set_ylim(bottom=0)
    perda.set_title("A perda desce até o limite", fontsize=FONTE + 2)
    perda.set_ylabel("nats por token", fontsize=FONTE)
    perda.legend(fontsize=FONTE - 1, frameon=False)
    falta.plot([s for s, _ in medidos], [v - piso for _, v in medidos], color=COR["atencao"], marker="o", linewidth=2)
    falta.set_yscale("log")
    falta.set_title("Quanto falta, na validação", fontsize=FONTE + 2)
    falta.set_ylabel("nats por token acima do piso", fontsize=FONTE)
    for eixo in (perda, falta):
        eixo.set_xlabel("passo", fontsize=FONTE)
        eixo.grid(axis="y", color="#E5E5E5")
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
        eixo.set_title(titulo, fontsize=FONTE + 2)
        eixo.set_xlabel("entrada", fontsize=FONTE)
        eixo.set_ylabel(rotulo, fontsize=FONTE)
        eixo.set_xlim(-4, 4)
        eixo.yaxis.set_major_formatter(lambda v, _: f"{v:.1f}".replace(".", ","))
    eixos[0, 0].set_ylim(-0.5, 4)
    eixos[0, 0].legend(fontsize=FONTE, frameon=False, loc="upper left")
    return figura


def _por_camada(curvas, titulo, rotulo, eixo, escala, primeiro):
    """Uma curva por modo de empilhar; a da peça em estudo é a última de `curvas`."""
    figura, eixos = _figura(9, 4.4)
    quadro = eixos[0, 0]
    em_estudo = list(curvas)[-1]
    for nome, valores in curvas.items():
        onde = range(primeiro, primeiro + len(valores))
        cor = COR["residual"] if nome == em_estudo else COR["saida"]
        marca = "o" if nome == em_estudo else "s"
        quadro.plot(onde, valores, color=cor, marker=marca, markersize=5, linewidth=2, label=nome)
    quadro.set_yscale(escala)
    if escala == "linear":
        quadro.set_ylim(bottom=0)
        quadro.yaxis.set_major_formatter(lambda v, _: f"{v:.2f}".replace(".", ","))
    quadro.set_title(titulo, fontsize=FONTE + 2)
    quadro.set_xlabel(eixo, fontsize=FONTE)
    quadro.set_ylabel(rotulo, fontsize=FONTE)
    quadro.grid(axis="y", color="#E5E5E5")
    quadro.legend(fontsize=FONTE, frameon=False)
    return figura


def sinal_por_camada(curvas, eixo="camadas atravessadas", escala="log", primeiro=0):
    """O tamanho do sinal depois de cada camada, na ida. `curvas`: {nome: um número por camada}."""
    return _por_camada(curvas, "O sinal, na ida", "tamanho do sinal", eixo, escala, primeiro)


def gradiente_por_camada(curvas, eixo="camadas atravessadas", escala="log", primeiro=0):
    """O tamanho do gradiente em cada camada, na volta. `curvas`: {nome: um número por camada}."""
    titulo = "O gradiente, na volta"
    return _por_camada(curvas, titulo, "tamanho do gradiente", eixo, escala, primeiro)


def temperaturas(quadros, temperaturas):
    """A chance das palavras mais prováveis em cada temperatura: uma linha por palavra, uma coluna por temperatura.

    `quadros`: {título: (n palavras, tabela (n, k) de 0 a 1)}; `temperaturas`: k números.
    """
    altura = 0.45 * max(len(palavras) for palavras, _ in quadros.values()) + 1.6
    figura, eixos = _figura(4.6 * len(quadros), altura, 1, len(quadros))
    for eixo, (titulo, (palavras, tabela)) in zip(eixos[0], quadros.items(), strict=True):
        tabela = _lista(tabela)
        eixo.imshow(tabela, cmap=_rampa(COR["saida"]), vmin=0, vmax=1, aspect="auto")
        for i, linha in enumerate(tabela):
            for j, chance in enumerate(linha):
                cor = COR["papel"] if chance > 0.6 else COR["tinta"]
                eixo.text(j, i, f"{100 * chance:.0f}%", ha="center", va="center", color=cor, fontsize=FONTE)
        eixo.set_xticks(range(len(temperaturas)), [f"{t:.1f}".replace(".", ",") for t in temperaturas], fontsize=FONTE)
        eixo.set_yticks(range(len(palavras)), _rotulos(palavras), fontsize=FONTE)
        eixo.set_xlabel("temperatura", fontsize=FONTE)
        eixo.set_title(titulo, fontsize=FONTE + 1)
    return figura
