"""04 · O que o residual e a LayerNorm fazem, medido: o que resta da entrada e a escala de cada token."""

import torch

from apoio.numeros import numero
from estilo import APAGADO, COR, PEQUENO, TEXTO, TINTA, Folha
from gptmini.modelo import GPTMini
from gptmini.vetores import GPTConfig
from historia import caminho, historia

NOME, TITULO, SECAO = "04-residual-norm", "Residual e LayerNorm", "Conexões residuais e normalização"
ALTERNATIVO = ("Dois gráficos medidos. À esquerda, quanto o vetor ainda aponta na direção do que entrou, ao atravessar uma pilha "
               "de blocos recém-sorteados: com residual, desce devagar; sem residual, cai a quase zero no primeiro bloco. À "
               "direita, o desvio dos números de cada token de uma frase: antes da LayerNorm cada um tem o seu; depois, todos "
               "têm desvio 1.")
BLOCOS, QUANTOS = 12, 9


@torch.no_grad()
def lembranca(residual):
    """Quanto do que entrou ainda está lá: o cosseno médio com a entrada, antes do primeiro e depois de cada bloco."""
    c = historia().config
    torch.manual_seed(0)
    model = GPTMini(GPTConfig(c.vocab_size, c.context_length, c.d_model, c.n_heads, BLOCOS))
    ids = torch.tensor([historia().ids])
    x = entrou = model.token_embedding(ids) + model.position_embedding(torch.arange(ids.size(1)))     # (1, T, C)
    cossenos = [1.0]
    for bloco in model.blocks:
        if residual:
            x = bloco(x)
        else:
            x = bloco.attention(bloco.norm1(x))
            x = bloco.feedforward(bloco.norm2(x))
        cossenos.append(round(torch.cosine_similarity(x, entrou, dim=-1).mean().item(), 3))
    return cossenos


def dados():
    c = caminho(QUANTOS)
    fluxo = next(p for p in c.paradas if p.bloco == 1 and p.nome == "residual 2").vetores
    normal = torch.nn.functional.layer_norm(fluxo, fluxo.shape[-1:])
    return {"com": lembranca(True), "sem": lembranca(False),
            "palavras": historia().palavras[:QUANTOS],
            "antes": fluxo.std(-1, correction=0).round(decimals=3).tolist(),
            "depois": normal.std(-1, correction=0).round(decimals=3).tolist()}


def desenhar(d):
    f = Folha("Residual e LayerNorm", "Duas peças discretas que deixam empilhar blocos.", 90)
    f.peca("residual", 7, 20.5, 7, 7, "+", 26)
    f.texto(16, 24, "o que entrou continua lá", TEXTO, ha="left", weight="bold")
    g = f.grafico(18, 32, 56, 42)
    x = range(len(d["com"]))
    g.plot(x, d["com"], color=COR["residual"], linewidth=5, marker="o", markersize=9)
    g.plot(x, d["sem"], color=TINTA, linewidth=3, linestyle="--", marker="s", markersize=7)
    g.set_ylim(-0.1, 1.05)
    g.set_xticks(range(0, len(d["com"]), 4))
    g.yaxis.set_major_formatter(lambda v, _: numero(v, 1))
    g.set_xlabel("blocos atravessados", fontsize=PEQUENO)
    g.set_ylabel("cosseno com a entrada", fontsize=PEQUENO)
    f.texto(72, 36, f"com residual: {numero(d['com'][-1])} no fim", PEQUENO, ha="right")
    f.texto(72, 65, f"sem residual: {numero(d['sem'][-1])} no fim", PEQUENO, ha="right")
    f.peca("norm", 86, 20.5, 22, 7, "LayerNorm", PEQUENO)
    f.texto(110, 24, "põe todos na mesma escala", TEXTO, ha="left", weight="bold")
    g = f.grafico(102, 32, 51, 42)
    y = range(len(d["palavras"]))
    for i, (a, b) in enumerate(zip(d["antes"], d["depois"], strict=True)):
        g.plot([a, b], [i, i], color=COR["apagado"], linewidth=2, zorder=1)
    g.scatter(d["antes"], y, s=170, facecolor=COR["papel"], edgecolor=TINTA, linewidth=2.5, zorder=2)
    g.scatter(d["depois"], y, s=190, color=COR["norm"], edgecolor=TINTA, linewidth=1.5, marker="D", zorder=3)
    g.set_yticks(list(y), d["palavras"])
    g.invert_yaxis()
    g.set_xlim(0, max(*d["antes"], *d["depois"]) * 1.1)
    g.xaxis.set_major_formatter(lambda v, _: numero(v, 0))
    g.set_xlabel("desvio:  ○ antes   ◆ depois", fontsize=PEQUENO)
    f.texto(80, 85.5, f"À esquerda, {len(d['com']) - 1} blocos recém-sorteados lendo a história; à direita, o treinado, depois do bloco 1.",
            PEQUENO, APAGADO)
    return f.figura
