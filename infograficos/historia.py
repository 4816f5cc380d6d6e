"""A história que atravessa a galeria e o que o modelo pronto faz dela: de onde vem todo número desenhado."""

from functools import cache
from types import SimpleNamespace

from apoio import historinhas
from apoio.por_dentro import percorrer
from apoio.pronto import modelo_pronto

TEXTO = ("Léo tinha um boneco branco. Numa brincadeira, o boneco foi parar num galho do limoeiro. Léo pulou, pulou, "
         "mas não alcançou. Laura viu, pegou uma vara e tirou o boneco do limoeiro. Depois, Léo e Laura "
         "brincaram com o boneco branco longe do limoeiro.")


@cache
def historia():
    """O modelo, a história inteira e o caminho dela por dentro do modelo."""
    historinhas.analisar(TEXTO)      # recusa um texto que a gramática não escreve
    model, tokenizer = modelo_pronto()
    ids = [tokenizer.fim, *tokenizer.encode(TEXTO)]
    return SimpleNamespace(model=model, tokenizer=tokenizer, ids=ids, palavras=[tokenizer.vocab[i] for i in ids],
                           config=model.config)


@cache
def caminho(quantos):
    """O caminho dos primeiros `quantos` tokens; o primeiro é o `<fim>` que abre a história."""
    return percorrer(historia().model, historia().ids[:quantos])


def ate(palavra, vez=1):
    """Quantos tokens há até a `vez`-ésima aparição da palavra, contando com ela."""
    return [i for i, p in enumerate(historia().palavras, start=1) if p == palavra][vez - 1]


def melhores(chances, quantas=3):
    """[[palavra, chance]] das mais prováveis."""
    valores, ids = chances.topk(quantas)
    return [[historia().tokenizer.vocab[i], round(v, 4)] for v, i in zip(valores.tolist(), ids.tolist(), strict=True)]
