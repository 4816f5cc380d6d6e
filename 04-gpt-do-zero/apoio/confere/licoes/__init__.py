"""Os verificadores de código, um arquivo por assunto, importados na ordem das lições (é a do placar).

Cada exercício está inteiro no arquivo do seu assunto: a conta, com ajustes; as frases, no `@exercicio`, que o registra;
e o que se confere. Um professor pode mudar qualquer frase. Elas são TOML, e os nomes entre colchetes são os erros:

    imita     os ajustes que fazem a conta certa dar o mesmo que este erro; se for uma lista, basta um deles. Sem
              `imita`, o verificador reconhece o erro de outro jeito, e o diz com `diga("exercício.erro", …)`
    dica      o nome do erro, dito na hora
    pergunta, erro, onde    as pistas, que se abrem uma a uma; onde faltam, valem as do topo do exercício

Entre chaves vão valores que o verificador preenche. `assim` é código.
"""

from . import texto, vetores, atencao, feedforward, residual, bloco, treino, geracao, turma, laboratorio, gpt2, corrida  # noqa: F401, I001
