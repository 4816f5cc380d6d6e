"""Os exercícios: cada verificador roda a resposta e diz, na hora, se está certa ou o nome do erro.

Nenhum lê o texto da resposta: só os números que ela dá, e por isso qualquer jeito certo passa. Cada exercício tem a sua
conta, com ajustes: sem ajuste é a certa, e cada erro comum é um ajuste (o `imita` das suas dicas). O que a resposta deu
é comparado com a conta certa e, se não bate, com as erradas: a que bater dá nome ao erro.

    confere.gelu(gelu)       -> Resultado(ok, dica, pistas)
    confere.placar()         o que você já acertou, numa linha

Os de código se registram sozinhos, com `@exercicio`: estão em `licoes/`, um arquivo por assunto.
"""

from apoio.confere import licoes  # noqa: F401  (é o import que os registra)
from apoio.confere.corretor import EXERCICIOS, Resultado, placar
from apoio.confere.sem_codigo import forma, leitura, ordem, palpite

__all__ = ["EXERCICIOS", "Resultado", "forma", "leitura", "ordem", "palpite", "placar", *EXERCICIOS]

globals().update(EXERCICIOS)
