"""O capítulo sem navegador: treina o GPTMini diante de você, mede o que falta e escreve histórias.

Uso: python curso.py capitulo
"""

import sys
from pathlib import Path


def main():
    # O torch demora a carregar: aqui dentro, um Ctrl-C enquanto isso também acaba numa frase.
    import torch

    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "04-gpt-do-zero"))
    from apoio import historinhas, pronto
    from apoio.numeros import numero
    from gptmini import generate, train
    from gptmini.treino import RECEITA, modelo_novo

    print("Sorteando as histórias…", flush=True)
    tokenizer, exemplos, treino, validacao = pronto.dados()
    print(f"\nUma delas:\n\n{treino[0].texto}\n")
    model = modelo_novo(tokenizer)
    print(f"O modelo: {numero(model.num_parameters(), 0)} parâmetros, {tokenizer.vocab_size} tokens no vocabulário.")
    print(f"O limite: {numero(historinhas.limite(), 3)} nat por token; menos que isso, ninguém consegue.\n")
    train(model, exemplos, **RECEITA)
    excesso = historinhas.excesso(model, tokenizer, validacao)
    print(f"\nDepois do treino faltam {numero(excesso, 4)} nat por token. O modelo escreve:\n")
    ids = generate(model, torch.zeros(200, 1, dtype=torch.long), 95, stop=tokenizer.fim,
                   generator=torch.Generator().manual_seed(0))
    textos = [tokenizer.decode(linha) for linha in ids]
    print("\n\n".join(textos[:4]), "\n")
    print(historinhas.boletim(textos, treino=treino))


if __name__ == "__main__":
    if sys.argv[1:]:
        sys.exit(f"capitulo não recebe opções, e veio {' '.join(sys.argv[1:])}: para escolher o treino, use «curso.py treinar --ajuda».")
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("\ninterrompido.")
