"""01 · O bloco: o fluxo residual segue reto; atenção e feedforward leem uma cópia e somam o que têm a dizer."""

from apoio.numeros import numero
from estilo import APAGADO, COR, PEQUENO, TEXTO, Folha
from historia import ate, caminho, historia

NOME, TITULO, SECAO = "01-transformer-block", "O bloco Transformer", "O bloco Transformer"
ALTERNATIVO = ("Diagrama do bloco Transformer, da esquerda para a direita. Uma linha grossa, o fluxo residual, atravessa o "
               "bloco. Dela desce uma cópia que passa por LayerNorm 1 e pela atenção causal e volta, somada ao fluxo. "
               "Depois desce outra cópia, que passa por LayerNorm 2 e pelo feedforward e também volta somada. Cada ponto "
               "traz o tamanho medido do vetor de um token.")


def dados():
    vezes = ate("um")
    paradas = caminho(vezes).paradas
    tamanhos = {p.titulo: round(p.vetores[-1].norm().item(), 3) for p in paradas if p.bloco == 1}
    return {"palavra": historia().palavras[vezes - 1], "C": historia().config.d_model, "T": vezes,
            "entra": round(paradas[0].vetores[-1].norm().item(), 3),
            "tamanhos": {nome.split(" · ")[1]: valor for nome, valor in tamanhos.items()}}


def desenhar(d):
    f = Folha("O bloco Transformer", "O que entra segue reto. Cada peça lê uma cópia e soma o que achou.", 88)
    t, verde, y = d["tamanhos"], COR["residual"], 34
    f.seta((8, y), (152, y), cor=verde, largura=9)
    f.texto(8, 23.5, "fluxo residual", TEXTO, ha="left", weight="bold")
    for x0, norma, peca, nome, escrito, soma in (
            (28, "LayerNorm 1", "atencao", "atenção\ncausal", "atenção", "residual 1"),
            (88, "LayerNorm 2", "feedforward", "feedforward", "feedforward", "residual 2")):
        fim = x0 + 46
        f.seta((x0, y), (x0, 49))
        f.peca("norm", x0 - 11, 49, 22, 8, norma, PEQUENO)
        f.seta((x0, 57), (x0, 70), (x0 + 9, 70), largura=2.5)
        f.peca(peca, x0 + 9, 63, 27, 14, nome)
        f.seta((x0 + 36, 70), (fim, 70), (fim, y + 4.5))
        f.peca("residual", fim - 4, y - 4, 8, 8, "+", 28)
        f.texto(x0 + 2, 43, "cópia", PEQUENO, ha="left")
        f.texto(fim - 2, 52, f"soma {numero(t[escrito])}", PEQUENO, ha="right")
        f.texto(fim, 26, numero(t[soma]), TEXTO, weight="bold")
    f.texto(12, 30, numero(d["entra"]), TEXTO, weight="bold")
    f.texto(80, 82.5, f"Os números: tamanho do vetor de «{d['palavra']}», o token {d['T']} da história. "
            f"Todo vetor do fluxo tem {d['C']} números.", PEQUENO, APAGADO)
    return f.figura
