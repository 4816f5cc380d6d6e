"""08 · O mapa: cada lição, a peça que ela constrói e quantos parâmetros ela tem no modelo pronto."""

from estilo import APAGADO, PEQUENO, TEXTO, Folha, parte
from historia import historia

NOME, TITULO, SECAO = "08-mapa-do-capitulo", "O mapa do capítulo", "Arquivos do capítulo"
ALTERNATIVO = ("Mapa das lições do capítulo em ordem: 00 do texto aos vetores, 01 atenção causal, 02 feedforward, 03 residual e "
               "LayerNorm, 04 bloco e GPTMini, 05 treino, 06 geração, 07 laboratório, 08 do mini ao GPT-2, 09 corrida. "
               "Cada lição traz a forma e a cor da peça que constrói e, nas peças que têm parâmetros, que parte dos parâmetros do modelo mora nela.")
LICOES = (("00", "embedding", "vetores", "Como um texto\nvira vetores?"),
          ("01", "atencao", "atenção", "Como um token\nlê os anteriores?"),
          ("02", "feedforward", "feedforward", "O que faz com\no que leu?"),
          ("03", "norm", "LayerNorm", "Como empilhar\nsem estragar?"),
          ("04", "bloco", "GPTMini", "Como as peças\nviram um GPT?"),
          ("05", "treino", "treino", "Como ele aprende,\ne até onde?"),
          ("06", "saida", "geração", "Como ele\nescreve?"),
          ("07", "bloco", "laboratório", "Que peça\nfaz o quê?"),
          ("08", "bloco", "GPT-2", "O que falta para\nser o GPT-2?"),
          ("09", "bloco", "corrida", "O que mudou,\ne quanto poupa?"))
DE_QUEM = {"embedding": "embedding", "attention": "atencao", "feedforward": "feedforward", "norm": "norm"}


def dados():
    conta = dict.fromkeys(DE_QUEM.values(), 0)
    for nome, p in historia().model.named_parameters():
        conta[next(peca for trecho, peca in DE_QUEM.items() if trecho in nome)] += p.numel()
    return {"parametros": conta, "total": historia().model.num_parameters()}


def desenhar(d):
    f = Folha("O mapa do capítulo", "Quatro peças, o modelo montado, o treino e a escrita; depois, três lições para medir e crescer.", 128)
    lugares = [(6, 22), (44, 22), (82, 22), (120, 22), (25, 58), (63, 58), (101, 58), (25, 94), (63, 94), (101, 94)]
    for (x, y), (numero, peca, nome, pergunta) in zip(lugares, LICOES, strict=True):
        f.painel(x, y, 34, 30)
        f.texto(x + 3, y + 4.5, numero, TEXTO, ha="left", weight="bold", cor=APAGADO)
        if peca in d["parametros"]:
            f.texto(x + 31, y + 4.5, parte(d["parametros"][peca] / d["total"]), PEQUENO, ha="right")
        f.peca(peca, x + 3, y + 8.5, 28, 8, nome, PEQUENO)
        f.texto(x + 17, y + 23.5, pergunta, PEQUENO)
    for (xa, ya), (xb, yb) in zip(lugares, lugares[1:], strict=False):
        if ya == yb:                                    # de uma fileira à outra, as setas vêm abaixo
            f.seta((xa + 34, ya + 12.5), (xb, yb + 12.5), largura=3)
    f.seta((137, 52), (137, 55), (42, 55), (42, 58), largura=3)
    f.seta((118, 88), (118, 91), (42, 91), (42, 94), largura=3)
    f.texto(138, 66, "no canto:\nparte dos\nparâmetros\ndo modelo", PEQUENO, APAGADO, va="top", ha="left")
    return f.figura
